"""Where in a face the heat lies, in words."""

from __future__ import annotations

from functools import cache
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from model_src.models.regions import AROUND_FACE, region_cells
from model_src.verdict.scores import Region, RegionShare

DIGITS = 3


def named_regions(heat: NDArray[np.float64]) -> list[RegionShare]:
    """Heat over an aligned crop [h, h] -> how hot each region is, as a share of all, the hottest first.

    The mean over a region counts, not the sum: a small mouth that glows says more than a wide forehead that glimmers.
    """
    means = np.einsum("rij,ij->r", weights(len(heat)), heat)  # [R]
    if not means.sum() > 0:
        return []
    shares = zip(get_args(Region), (means / means.sum()).round(DIGITS).tolist(), strict=True)
    return [RegionShare(region=name, share=share) for name, share in sorted(shares, key=lambda pair: -pair[1]) if share]


@cache
def weights(side: int) -> NDArray[np.float32]:
    """[R, side, side], each region's cells summing to 1; whatever is nothing else is surroundings, to the corners."""
    cells = region_cells(side).numpy()
    cells[AROUND_FACE] = 1 - cells[:AROUND_FACE].sum(axis=0)
    return cells / cells.sum(axis=(1, 2), keepdims=True)
