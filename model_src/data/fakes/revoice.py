"""Whole recordings with their voices put through a vocoder, beside the originals: what listening is measured on."""

from __future__ import annotations

import csv
import wave
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from model_src.data.fakes.copy_synthesis import PCM, VOCODERS, Vocoder, loudness
from model_src.data.recording import samples_of
from model_src.data.video import Video
from model_src.preprocess.chunk import SAMPLE_RATE

LIST = "manifest.csv"


def revoice(videos: Sequence[Video], vocoder: Vocoder, folder: Path, seed: int = 0) -> Iterator[Path]:
    """Write a copy of each real recording, and the list of both; each path as soon as it is written."""
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, object]] = []
    for number, video in enumerate(videos):
        sound = samples_of(video.path).astype(np.float32) / np.float32(PCM)
        made = VOCODERS[vocoder](sound, np.random.default_rng([seed, number]))
        made = made * np.float32(loudness(sound) / max(loudness(made), 1e-6))
        path = folder / f"{video.video_id}_{vocoder}.wav"
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(SAMPLE_RATE)
            file.writeframes(np.clip(np.round(made * PCM), -PCM, PCM - 1).astype("<i2").tobytes())
        who = " ".join(video.identities)
        shared = {"split": video.split, "identities": who, "source": vocoder}
        rows.append({"video_id": video.video_id, "label": 0, "path": video.path.resolve(), "method": "real"} | shared)
        rows.append({"video_id": path.stem, "label": 1, "path": path.resolve(), "method": vocoder} | shared)
        yield path
    with (folder / LIST).open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, fieldnames=list(rows[0]) if rows else ["video_id", "label", "split", "path"])
        table.writeheader()
        table.writerows(rows)
