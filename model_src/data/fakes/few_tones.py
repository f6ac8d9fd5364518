"""Skin in fewer tones than life gives it: every colour of the face nearer to the colour of the whole face.

So generators paint. Light and dark stay as they are.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model_src.data.fakes.masks import draw, grown, placed
from model_src.data.fakes.self_blend import blend

FEWEST = 0.5  # of the distance between two tones, what is left
SIZE, SOFTNESS = 0.92, 8.0  # of the outline that is painted, and pixels of its slope
GREY = np.array([0.299, 0.587, 0.114], np.float32)


def in_few_tones(
    crops: NDArray[np.uint8], points: NDArray[np.float32], generator: np.random.Generator
) -> NDArray[np.uint8]:
    """Crops [T, H, W, 3] and points [T, 5, 2]; all frames alike."""
    lost = 1 - generator.uniform(FEWEST, 1)
    return np.stack([painted(crop, places, lost) for crop, places in zip(crops, points, strict=True)])


def painted(crop: NDArray[np.uint8], points: NDArray[np.float32], lost: float) -> NDArray[np.uint8]:
    mask = draw(grown(placed(points, "face"), SIZE), crop.shape[:2], SOFTNESS)  # [H, W]
    colour = crop - (crop @ GREY)[..., None]  # [H, W, 3], what is left without light and dark
    usual = (mask[..., None] * colour).sum(axis=(0, 1)) / max(float(mask.sum()), 1e-6)  # [3]
    return blend(crop, crop + lost * (usual - colour), mask)
