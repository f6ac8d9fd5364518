"""The heat over a face in words: the region that glows is named, and how much it glows beside the others."""

from __future__ import annotations

from typing import get_args

import pytest
import torch
from torch import Tensor

from model_src.explain.named_regions import heat_on_regions, named_regions, shares
from model_src.models.regions import REGIONS
from model_src.verdict.scores import Region, RegionShare


def named(heat: Tensor) -> list[RegionShare]:
    found = shares(heat_on_regions(heat[None]))[0]
    return named_regions([round(share, 3) for share in found.tolist()])  # as exact as an answer says them


def test_every_region_that_a_model_watches_has_a_name() -> None:
    assert len(get_args(Region)) == REGIONS


@pytest.mark.parametrize("side", [7, 14, 28])
@pytest.mark.parametrize(
    ("across", "down", "region"),
    [(0.5, 0.46, "eyes"), (0.5, 0.8, "mouth"), (0.77, 0.5, "edge"), (0.03, 0.03, "surroundings")],
)
def test_heat_on_one_spot_is_told_by_the_region_it_lies_on(side: int, across: float, down: float, region: str) -> None:
    heat = torch.zeros(side, side)
    heat[int(down * side), int(across * side)] = 1
    strongest = named(heat)[0]
    assert strongest.region == region
    assert strongest.share > 0.5


def test_a_small_region_that_glows_stands_before_a_large_one_that_glimmers() -> None:
    heat = torch.full((14, 14), 0.2)
    heat[10:12, 5:9] = 1  # the mouth
    found = named(heat)
    assert found[0].region == "mouth"
    assert sum(each.share for each in found) == pytest.approx(1, abs=3e-3)
    assert [each.share for each in found] == sorted((each.share for each in found), reverse=True)


@pytest.mark.parametrize("side", [7, 14])
def test_heat_everywhere_is_no_regions_alone(side: int) -> None:
    assert [each.share for each in named(torch.ones(side, side))] == [0.2] * REGIONS


def test_a_dark_map_names_nothing() -> None:
    assert named(torch.zeros(7, 7)) == []
