"""What is this file, and may it be analysed? Answered without trusting a byte of it."""

from __future__ import annotations

import json
import math
import os
from dataclasses import asdict, dataclass
from typing import Any

from model_src.preprocess import sandbox
from model_src.preprocess.errors import VideoRejected
from model_src.preprocess.limits import Limits
from model_src.preprocess.messages import RESULT
from model_src.preprocess.source import choose_demuxer, open_video

BOUNDS = sandbox.Bounds(silent_seconds=30, cpu_seconds=20, memory_mb=400)


@dataclass(frozen=True)
class VideoInfo:
    """Facts found by reading the file, not by believing its header. Sizes are as displayed, rotation applied."""

    container: str
    codec: str
    pixel_format: str
    width: int
    height: int
    rotation: int  # degrees clockwise
    frame_rate: float  # frames shown per second, on average
    variable_frame_rate: bool
    duration: float  # seconds
    frame_count: int
    size_bytes: int
    has_audio: bool
    audio_codec: str | None
    audio_sample_rate: int | None
    audio_channels: int | None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def probe(path: str | os.PathLike[str], limits: Limits = Limits(), until: float = math.inf) -> VideoInfo:  # noqa: B008 - frozen
    """Facts about the video at `path`, within the time of `until`. Raises VideoRejected; safe on any file."""
    with open_video(path, limits) as descriptor:
        choose_demuxer(descriptor)  # most wrong files need no child process
        for kind, body in sandbox.run("probe", descriptor, {"limits": asdict(limits)}, BOUNDS, until):
            if kind == RESULT:
                return VideoInfo(**json.loads(body))
    raise VideoRejected("corrupt_video", "Reading the file gave no answer.")
