"""Gather aligned faces and sound into chunks, and let go of each chunk as soon as its last frame is there."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from model_src.preprocess.chunk import SAMPLE_RATE, Chunk
from model_src.preprocess.faces import Face
from model_src.preprocess.flow import flow_of
from model_src.preprocess.listen import Listener
from model_src.preprocess.windows import LENGTH, first_frame, is_partial, window_count, window_size, window_start


@dataclass(frozen=True, eq=False)
class UsableFrame:
    """One sampled frame with exactly one face, aligned."""

    place: int  # on the sampling grid
    crop: NDArray[np.uint8]  # [224, 224, 3]
    face: Face
    transform: NDArray[np.float32]  # [2, 3]


class Assembler:
    """Takes the frames of one video in order. Memory holds the frames of one chunk."""

    def __init__(
        self,
        on_chunk: Callable[[Chunk], None],
        listener: Listener,
        *,
        rate: Fraction,
        duration: Fraction,
        frame_size: tuple[int, int],
        windows_per_chunk: int,
        with_flow: bool,
    ) -> None:
        self._on_chunk, self._listener = on_chunk, listener
        self._rate, self._duration, self._frame_size = rate, duration, frame_size
        self._per_chunk, self._with_flow = windows_per_chunk, with_flow
        self._window_count = window_count(duration)
        self._frames: deque[UsableFrame] = deque()
        self._next_window = 0  # first window of the chunk being gathered
        self.chunks = 0
        self.windows = 0

    def add(self, place: int, frame: UsableFrame | None) -> None:
        """The outcome for one place of the grid: a frame, or None where it cannot be used."""
        if frame is not None:
            self._frames.append(frame)
        last = self._after() - 1
        if place == first_frame(last, self._rate) + window_size(self._rate) - 1:
            self._finish_stretch()

    def finish(self) -> None:
        """The video has ended: let go of what was begun."""
        while self._next_window < self._window_count:
            self._finish_stretch()

    def _after(self) -> int:
        """The window after the last one of the chunk being gathered."""
        return min(self._next_window + self._per_chunk, self._window_count)

    def _finish_stretch(self) -> None:
        first, after = self._next_window, self._after()
        self._next_window = after
        start, end = window_start(first), window_start(after - 1) + LENGTH
        audio, voice = self._listener.take(int(start * SAMPLE_RATE), int(end * SAMPLE_RATE))
        windows = self._windows(first, after)
        if windows:
            self._on_chunk(self._chunk(windows, (float(start), float(end)), audio, voice))
            self.chunks += 1
            self.windows += len(windows)
        keep_from = first_frame(after, self._rate)
        while self._frames and self._frames[0].place < keep_from:
            self._frames.popleft()

    def _windows(self, first: int, after: int) -> list[tuple[int, list[int]]]:
        """(window, index of a gathered frame or -1 for each of its places); windows without any frame are left out."""
        index_of = {frame.place: index for index, frame in enumerate(self._frames)}
        size = window_size(self._rate)
        windows = []
        for window in range(first, after):
            begin = first_frame(window, self._rate)
            indices = [index_of.get(place, -1) for place in range(begin, begin + size)]
            if max(indices) >= 0:
                windows.append((window, indices))
        return windows

    def _chunk(
        self,
        windows: list[tuple[int, list[int]]],
        span: tuple[float, float],
        audio: NDArray[np.int16],
        voice: NDArray[np.bool_],
    ) -> Chunk:
        frames = list(self._frames)
        crops = np.stack([frame.crop for frame in frames])  # [F, 224, 224, 3]
        places = np.array([frame.place for frame in frames], np.int32)
        numbers = [window for window, _ in windows]
        return Chunk(
            index=self.chunks,
            frame_rate=float(self._rate),
            frame_size=self._frame_size,
            start=span[0],
            end=span[1],
            crops=crops,
            frame_ids=places,
            timestamps=np.array([float(frame.place / self._rate) for frame in frames]),
            boxes=np.stack([frame.face.box for frame in frames]),
            points=np.stack([frame.face.points for frame in frames]),
            transforms=np.stack([frame.transform for frame in frames]),
            audio=audio,
            voice=voice,
            window_starts=np.array([float(window_start(number)) for number in numbers]),
            window_frames=np.array([indices for _, indices in windows], np.int32),
            window_partial=np.array([is_partial(number, self._duration) for number in numbers]),
            window_indices=np.array(numbers, np.int32),
            flow=flow_of(crops, places) if self._with_flow else None,
        )
