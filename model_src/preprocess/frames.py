"""Single frames of a video that has been split, exactly as Split saw them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from model_src.preprocess import sandbox
from model_src.preprocess.limits import Limits
from model_src.preprocess.messages import FRAME, FRAME_SIZE
from model_src.preprocess.source import choose_demuxer, open_video

BOUNDS = sandbox.Bounds(silent_seconds=120, cpu_seconds=600, memory_mb=1200)

MAX_FRAMES = 64  # each has up to 6 MB


def frames_at(
    path: str | os.PathLike[str],
    timestamps: Sequence[float],
    limits: Limits = Limits(),  # noqa: B008 - frozen
) -> list[NDArray[np.uint8]]:
    """The displayed RGB frames [H, W, 3] shown at these seconds after the first frame, in the order asked."""
    if len(timestamps) > MAX_FRAMES:
        raise ValueError(f"at most {MAX_FRAMES} frames at once, not {len(timestamps)}")
    if not all(0 <= timestamp < float("inf") for timestamp in timestamps):
        raise ValueError("timestamps are seconds from 0 on")
    order = sorted(range(len(timestamps)), key=lambda place: timestamps[place])
    pictures: list[NDArray[np.uint8]] = []
    with open_video(path, limits) as descriptor:
        choose_demuxer(descriptor)
        arguments = {"limits": asdict(limits), "timestamps": [float(timestamps[place]) for place in order]}
        for kind, body in sandbox.run("frames", descriptor, arguments, BOUNDS):
            if kind == FRAME:
                height, width = FRAME_SIZE.unpack_from(body)
                pictures.append(np.frombuffer(body, np.uint8, offset=FRAME_SIZE.size).reshape(height, width, 3))
    return [pictures[order.index(place)] for place in range(len(timestamps))]
