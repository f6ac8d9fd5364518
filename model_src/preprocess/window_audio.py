"""The sound of each window, cut from the sound of the chunk."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model_src.preprocess.chunk import SAMPLE_RATE, VOICE_CELL, Chunk

SAMPLES = SAMPLE_RATE  # a window is one second long
CELLS = SAMPLES // VOICE_CELL


@dataclass(frozen=True)
class WindowAudio:
    """One row per window of the chunk, zero beyond the end of the video."""

    pcm: NDArray[np.int16]  # [W, 16000]
    voice: NDArray[np.bool_]  # [W, 50], does somebody speak in these 20 ms
    lengths: NDArray[np.int64]  # [W], samples that are really there

    @property
    def speaks(self) -> NDArray[np.bool_]:
        """[W], the windows in which anybody speaks at all."""
        return np.any(self.voice, axis=1)


def cut_windows(chunk: Chunk) -> WindowAudio:
    cut = [cut_window(chunk, row) for row in range(len(chunk.window_starts))]
    return WindowAudio(
        np.array([pcm for pcm, _, _ in cut], np.int16).reshape(-1, SAMPLES),
        np.array([voice for _, voice, _ in cut], np.bool_).reshape(-1, CELLS),
        np.array([length for _, _, length in cut], np.int64),
    )


def cut_window(chunk: Chunk, row: int) -> tuple[NDArray[np.int16], NDArray[np.bool_], int]:
    """The second of sound under one window [16000], its voice cells [50], and how many samples of it are there."""
    pcm, voice = np.zeros(SAMPLES, np.int16), np.zeros(CELLS, np.bool_)
    first = round((float(chunk.window_starts[row]) - chunk.start) * SAMPLE_RATE)
    sound = chunk.audio[first : first + SAMPLES]
    cells = chunk.voice[first // VOICE_CELL : first // VOICE_CELL + CELLS]
    pcm[: len(sound)] = sound
    voice[: len(cells)] = cells
    return pcm, voice, len(sound)
