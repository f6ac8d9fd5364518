"""Split a video into chunks of aligned faces, sound and windows, one pass from beginning to end."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from model_src.preprocess import sandbox
from model_src.preprocess.chunk import Chunk
from model_src.preprocess.errors import VideoRejected
from model_src.preprocess.limits import Limits
from model_src.preprocess.messages import CHUNK, RESULT
from model_src.preprocess.source import choose_demuxer, open_video
from model_src.preprocess.tally import Excluded

# The child gives a sign of life every few seconds of video; even a slow machine has time enough in between.
BOUNDS = sandbox.Bounds(silent_seconds=120, cpu_seconds=3600, memory_mb=1600)


@dataclass(frozen=True)
class SplitSettings:
    """How a video is split. 5 frames a second; 10 for high-resolution material."""

    frame_rate: float = 5.0
    windows_per_chunk: int = 30
    min_confidence: float = 0.95  # of the face detector, for a face to count
    min_usable_frames: int = 5  # one full window
    detector: Literal["mtcnn", "retinaface"] = "mtcnn"
    detector_weights: str | None = None  # ONNX file, for retinaface
    detector_sha256: str | None = None  # of that file
    flow: bool = False  # also compute optical flow
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        if not 1 <= self.frame_rate <= 30:
            raise ValueError(f"no video can be split at {self.frame_rate:g} frames a second; choose 1 to 30")
        if self.windows_per_chunk < 1 or not 0 < self.min_confidence < 1:
            raise ValueError(f"no video can be split with {self}")


@dataclass(frozen=True)
class SplitReport:
    """What became of the video. `dropped` counts sampled frames that were not usable, `excluded` says when."""

    duration: float
    frame_rate: float  # of the sampling grid
    frames_sampled: int
    frames_analyzed: int
    windows: int
    chunks: int
    dropped: dict[str, int]
    excluded: list[Excluded]
    has_audio: bool
    silence_share: float | None  # None without sound
    leading_silence: float | None  # seconds before the first word
    picture_starts: float  # seconds of sound before the first picture, which are not judged
    width: int
    height: int

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def split_video(
    path: str | os.PathLike[str],
    on_chunk: Callable[[Chunk], None],
    settings: SplitSettings = SplitSettings(),
    until: float = math.inf,
) -> SplitReport:
    """Hand over each chunk as soon as it is complete, then report. Raises VideoRejected.

    Chunks handed over before a rejection are void: only at the end it is known how many frames were usable. What cannot
    be read by `until` (of time.monotonic) is rejected, too: within every limit there are videos that take hours.
    """
    with open_video(path, settings.limits) as descriptor:
        choose_demuxer(descriptor)  # most wrong files need no child process
        arguments = asdict(settings)
        for kind, body in sandbox.run("split", descriptor, arguments, BOUNDS, until):
            if kind == CHUNK:
                on_chunk(Chunk.from_bytes(body))
            elif kind == RESULT:
                return SplitReport(**json.loads(body))
    raise VideoRejected("corrupt_video", "Reading the file gave no answer.")
