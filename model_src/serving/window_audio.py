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
    count = len(chunk.window_starts)
    pcm = np.zeros((count, SAMPLES), np.int16)
    voice = np.zeros((count, CELLS), np.bool_)
    lengths = np.zeros(count, np.int64)
    for row, start in enumerate(chunk.window_starts):
        first = round((start - chunk.start) * SAMPLE_RATE)
        sound = chunk.audio[first : first + SAMPLES]
        cells = chunk.voice[first // VOICE_CELL : first // VOICE_CELL + CELLS]
        pcm[row, : len(sound)] = sound
        voice[row, : len(cells)] = cells
        lengths[row] = len(sound)
    return WindowAudio(pcm, voice, lengths)
