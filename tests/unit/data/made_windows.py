"""Labelled windows without any video file: what a learning test learns from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from zlib import crc32

import numpy as np

from model_src.data.source import UNSPLIT, Choose, Unreadable
from model_src.data.video import Split, Video
from model_src.preprocess.chunk import Chunk
from tests.unit.serving.chunks import make_chunk

Mark = Callable[[Chunk, Video, np.random.Generator], Chunk]


def made_video(number: int, split: Split = "train", label: int | None = None, **fields: object) -> Video:
    return Video.model_validate(
        {"video_id": f"{split}_{number:03d}", "label": number % 2 if label is None else int(label), "split": split}
        | {"path": Path("none.mp4")}
        | fields
    )


def made_videos(count: int, split: Split = "train") -> list[Video]:
    return [made_video(number, split) for number in range(count)]


def seed_of(video: Video) -> int:
    """No two videos are made alike: what a model says of them can differ."""
    return crc32(video.video_id.encode())


def brighter_when_fake(chunk: Chunk, video: Video, _: np.random.Generator) -> Chunk:
    return replace(chunk, crops=chunk.crops // 2 + 127 * np.uint8(video.label))


class MadeSource:
    """One second of noise and tone per video, the same every time; `mark` puts the forgery in."""

    def __init__(self, mark: Mark = brighter_when_fake, unreadable: frozenset[str] = frozenset()) -> None:
        self.mark = mark
        self.unreadable = unreadable

    def count(self, _: Video) -> int:
        return UNSPLIT

    def draw(self, video: Video, choose: Choose) -> tuple[Chunk, int]:
        if video.video_id in self.unreadable:
            raise Unreadable(video.video_id)
        seed = seed_of(video)
        chunk = make_chunk(1.0, seed=seed)
        return self.mark(chunk, video, np.random.default_rng(seed)), choose(len(chunk.window_starts))
