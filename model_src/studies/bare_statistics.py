"""What can be said of a video without looking for a forgery: how sharp, bright and dark it is, and how it is stored.

Where one of these alone tells real from fake, a model may have learnt it in place of the face.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from model_src.preprocess.chunk import Chunk
from model_src.preprocess.container import open_container
from model_src.preprocess.errors import VideoRejected
from model_src.preprocess.limits import Limits
from model_src.preprocess.source import open_video

PICTURE = ("sharpness", "brightness", "black share")
BIT_RATE = "bit rate"
STATISTICS = (*PICTURE, BIT_RATE)
BLACK = 16  # a pixel below this is black


class BareStatistics:
    """Gathered from a video's chunks. Neighbouring chunks share frames: each counts once."""

    def __init__(self) -> None:
        self._frames: dict[int, tuple[float, ...]] = {}

    def add(self, chunk: Chunk) -> None:
        for frame_id, crop in zip(chunk.frame_ids.tolist(), chunk.crops, strict=True):
            if frame_id not in self._frames:
                self._frames[frame_id] = of_crop(crop)

    def of(self, path: Path) -> dict[str, float]:
        """Those that are known: a recording has no picture, and not every file says its bit rate."""
        found: dict[str, float] = {}
        if self._frames:
            found |= dict(zip(PICTURE, np.mean(list(self._frames.values()), axis=0).tolist(), strict=True))
        rate = bit_rate(path)
        return found if rate is None else found | {BIT_RATE: rate}


def of_crop(crop: NDArray[np.uint8]) -> tuple[float, ...]:
    """Of an aligned face [H, W, 3], in the order of `PICTURE`."""
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)  # [H, W]
    return float(cv2.Laplacian(grey, cv2.CV_64F).var()), float(grey.mean()), float((grey < BLACK).mean())


def bit_rate(path: Path) -> float | None:
    """Bits per second of the whole file; None where it is no video, or is gone."""
    limits = Limits()
    try:
        with open_video(path, limits) as descriptor, open_container(descriptor, limits) as container:
            return float(container.bit_rate) or None
    except VideoRejected:
        return None
