"""How high a voice is, step by step, and the turns that its folds make."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model_src.preprocess.chunk import SAMPLE_RATE

LOWEST, HIGHEST = 70, 400  # Hz, the pitch of a voice
VOICED = 0.35  # how like itself one period later, of 1
STEADY = 5  # steps whose median is taken: a pitch does not leap for a moment


class Pitch(NamedTuple):
    hertz: NDArray[np.float64]  # [A]
    spoken: NDArray[np.bool_]  # [A], in which steps the voice has a pitch
    every_sample: NDArray[np.float64]  # [S], Hz
    turns: NDArray[np.float64]  # [S], how often the folds have closed since the beginning


def pitch_of(wave: NDArray[np.float32], steps: int, hop: int) -> Pitch:
    """[S] samples in steps of `hop`; each step looks at four."""
    padded = np.pad(wave, (2 * hop, 4 * hop))
    pieces = np.stack([padded[step * hop : step * hop + 4 * hop] for step in range(steps)])  # [A, window]
    power = np.abs(np.fft.rfft(pieces, 8 * hop)) ** 2
    likeness = np.fft.irfft(power)[:, : SAMPLE_RATE // LOWEST + 1]  # [A, lags]: how like itself so many samples later
    shortest = SAMPLE_RATE // HIGHEST
    lags = shortest + likeness[:, shortest:-1].argmax(axis=1)  # [A]
    rows = np.arange(steps)
    before, there, after = (likeness[rows, lags + by] for by in (-1, 0, 1))
    bend = before - 2 * there + after  # a parabola through the three has its top between the samples
    finer = np.where(bend < 0, 0.5 * (before - after) / np.where(bend < 0, bend, -1.0), 0.0)
    hertz = SAMPLE_RATE / (lags + np.clip(finer, -0.5, 0.5))
    spoken = there > VOICED * likeness[:, 0] + 1e-9  # [A]
    around = np.lib.stride_tricks.sliding_window_view(np.pad(hertz, STEADY // 2, mode="edge"), STEADY)  # [A, STEADY]
    hertz = np.median(around, axis=1)
    every = np.interp(np.arange(len(wave)), rows * hop, hertz)
    return Pitch(hertz, spoken, every, np.cumsum(every / SAMPLE_RATE))
