"""Where in a face the heat lies, in words."""

from __future__ import annotations

from functools import cache
from typing import get_args

import torch
from torch import Tensor

from model_src.models.regions import AROUND_FACE, region_cells
from model_src.verdict.scores import Region, RegionShare


def heat_on_regions(heat: Tensor) -> Tensor:
    """How hot each region of aligned crops is: [N, h, h] -> [N, R].

    The mean over a region counts, not the sum: a small mouth with much heat says more than a wide forehead with little.
    """
    return torch.einsum("rij,nij->nr", weights(heat.shape[-1]).to(heat), heat)


@cache
def weights(side: int) -> Tensor:
    """[R, side, side], each region's cells summing to 1; whatever is nothing else is surroundings, to the corners."""
    cells = region_cells(side)
    cells[AROUND_FACE] = 1 - cells[:AROUND_FACE].sum(dim=0)
    return cells / cells.sum(dim=(1, 2), keepdim=True)


def shares(strengths: Tensor) -> Tensor:
    """Each region's part of what all say [N, R]; of a face that says nothing, 0."""
    total = strengths.sum(dim=1, keepdim=True)  # [N, 1]
    return torch.where(total > 0, strengths / total.clamp(min=torch.finfo(total.dtype).tiny), 0)


def named_regions(found: list[float]) -> list[RegionShare]:
    """Shares of the regions [R], the strongest first."""
    pairs = sorted(zip(get_args(Region), found, strict=True), key=lambda pair: -pair[1])
    return [RegionShare(region=name, share=share) for name, share in pairs if share]
