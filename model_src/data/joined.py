"""One list out of several: a video that is in two of them is taken once, two videos of one name are refused."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from model_src.data.manifest import ManifestInvalid
from model_src.data.video import Video
from model_src.preprocess.checksum import sha256


def joined(videos: Iterable[Video]) -> list[Video]:
    taken: dict[str, Video] = {}
    for video in videos:
        first = taken.setdefault(video.video_id, video)
        if not same_file(first.path, video.path):
            raise ManifestInvalid(f"Two videos are called {video.video_id}: {first.path} and {video.path}.")
        if first.label != video.label:
            raise ManifestInvalid(f"{video.video_id} is real in one list and fake in another: {video.path}.")
    return list(taken.values())


def same_file(one: Path, other: Path) -> bool:
    """A copy is the same file; it is read only where it could be one."""
    if one.resolve() == other.resolve():
        return True
    if not (one.is_file() and other.is_file()) or one.stat().st_size != other.stat().st_size:
        return False
    return sha256(one) == sha256(other)
