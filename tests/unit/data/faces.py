"""A real face in aligned crops, with its points and its voice: what forgeries are made from."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from model_src.data.sample import Sample, cut_window
from model_src.preprocess.chunk import Chunk
from model_src.preprocess.split import split_video
from tests.media import talking_head
from tests.unit.data.made_windows import made_video


@cache
def face_chunk() -> Chunk:
    chunks: list[Chunk] = []
    with TemporaryDirectory() as folder:
        split_video(talking_head(Path(folder) / "head.mp4", 3.0), chunks.append)
    return chunks[0]


def face_window(row: int = 1) -> Sample:
    return cut_window(face_chunk(), row, made_video(0))
