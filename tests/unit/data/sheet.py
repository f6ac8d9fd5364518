"""A contact sheet, for eyes: real, fake, where they differ, and where the mask says they should."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def contact_sheet(real: NDArray[np.uint8], fake: NDArray[np.uint8], masks: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Crops [T, H, W, 3] twice, masks [T, H, W] -> one RGB picture [4 H, T W, 3], a column per frame."""
    difference = np.abs(fake.astype(np.int16) - real).max(axis=3, keepdims=True)  # [T, H, W, 1]
    shown = np.clip(6 * difference, 0, 255).astype(np.uint8).repeat(3, axis=3)
    masked = (255 * masks[..., None]).astype(np.uint8).repeat(3, axis=3)
    return np.concatenate([np.concatenate(list(row), axis=1) for row in (real, fake, shown, masked)], axis=0)
