"""A decoded frame as a person sees it: square pixels, turned upright, RGB."""

from __future__ import annotations

import av.error
import cv2
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from model_src.preprocess.errors import VideoRejected

TURNS = {1: cv2.ROTATE_90_CLOCKWISE, 2: cv2.ROTATE_180, 3: cv2.ROTATE_90_COUNTERCLOCKWISE}

# Longest side of the picture that faces are looked for in.
REDUCED_SIDE = 480


class Picture:
    """One frame, converted only as far as somebody asks. `size` is the displayed width and height of the video."""

    def __init__(self, frame: VideoFrame, turns: int, size: tuple[int, int], converters: Converters) -> None:
        self._frame, self._turns, self._size, self._converters = frame, turns, size, converters
        self._full: NDArray[np.uint8] | None = None

    def full(self) -> NDArray[np.uint8]:
        """[H, W, 3] RGB at the displayed size."""
        if self._full is None:
            self._full = self._converters.full.convert(self._frame, self._turns, self._size)
        return self._full

    def reduced(self) -> tuple[NDArray[np.uint8], float]:
        """[h, w, 3] RGB for looking around, and the factor from its pixels to those of the full picture."""
        width, height = self._size
        factor = max(max(width, height) / REDUCED_SIDE, 1.0)
        size = (round(width / factor), round(height / factor))
        return self._converters.reduced.convert(self._frame, self._turns, size), factor


class Converters:
    """swscale keeps its tables between frames of one kind; each kind of conversion has its own."""

    def __init__(self) -> None:
        self.full = _Converter()
        self.reduced = _Converter()


class _Converter:
    def __init__(self) -> None:
        self._scaler = VideoReformatter()

    def convert(self, frame: VideoFrame, turns: int, size: tuple[int, int]) -> np.ndarray:
        width, height = (size[1], size[0]) if turns % 2 else size
        try:
            converted = self._scaler.reformat(frame, width, height, "rgb24", interpolation="AREA", threads=1)
        except av.error.FFmpegError as error:
            raise VideoRejected("corrupt_video", "A frame of the video has colours that cannot be shown.") from error
        plane = converted.planes[0]
        # A view, not a copy: rows are padded to line_size bytes.
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[:height, : width * 3]
        image = rows.reshape(height, width, 3)
        return cv2.rotate(image, TURNS[turns]) if turns else image
