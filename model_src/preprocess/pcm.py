"""Sound as it is stored, in 16-bit steps, and as it is worked on, as a wave between -1 and 1."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]  # [S]
Wave = NDArray[np.float32]  # [S]
STEPS: Final = 32768  # from silence to the loudest sample


def wave_from_pcm(pcm: Samples) -> Wave:
    return pcm.astype(np.float32) / np.float32(STEPS)


def pcm_from_wave(wave: NDArray[np.floating]) -> Samples:
    """What is louder than 16 bits can say is cut off."""
    return np.clip(np.round(wave * STEPS), -STEPS, STEPS - 1).astype(np.int16)
