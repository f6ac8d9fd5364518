"""The videos of a data root, whatever its layout: an official dataset, our own tree, or a manifest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from model_src.data.layouts import celeb_df, dfdc, faceforensics, gathered
from model_src.data.manifest import ManifestInvalid, read_manifest, scan_tree, unique
from model_src.data.video import Video

LAYOUTS = (faceforensics, celeb_df, dfdc, gathered)


def load_videos(data_root: Path | None = None, manifest: Path | None = None) -> list[Video]:
    if manifest is not None:
        return read_manifest(manifest, data_root)
    if data_root is None:
        raise ManifestInvalid("Where are the videos? Give a data root, a manifest, or both.")
    for layout in LAYOUTS:
        if layout.recognise(data_root):
            return _official(layout.read, data_root.resolve())
    return scan_tree(data_root)


def _official(read: Callable[[Path], list[Video]], root: Path) -> list[Video]:
    try:
        videos = unique(read(root))
    except (OSError, ValueError, KeyError) as error:
        raise ManifestInvalid(f"The dataset at {root} is not as its makers lay it out: {error}") from error
    if not videos:
        raise ManifestInvalid(f"The dataset at {root} holds no video of a known split.")
    return videos
