"""Whole recordings with their voices put through a vocoder, beside the originals: what listening is measured on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from model_src.data.fakes.copy_synthesis import revoiced
from model_src.data.fakes.vocoders import Vocoder
from model_src.data.manifest import LIST, write_manifest
from model_src.data.recording import samples_of, write_recording
from model_src.data.video import Video

SEED = 0  # the same recordings give the same copies


def revoice(videos: Sequence[Video], vocoder: Vocoder, folder: Path) -> Iterator[Path]:
    """Write a copy of each real recording, and the list of both; each path as soon as it is written."""
    folder.mkdir(parents=True, exist_ok=True)
    listed: list[Video] = []
    for number, video in enumerate(videos):
        path = folder / f"{video.video_id}_{vocoder}.wav"
        made = revoiced(samples_of(video.path), vocoder, np.random.default_rng([SEED, number]))
        write_recording(path, made)
        real = video.model_copy(update={"source": vocoder, "method": "real"})
        copy = {"video_id": path.stem, "label": 1, "path": path, "method": vocoder}
        listed += [real, real.model_copy(update=copy)]
        yield path
    write_manifest(folder / LIST, listed)
