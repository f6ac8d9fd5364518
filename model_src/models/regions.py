"""Five regions of an aligned face, and what every stage of a backbone finds in each of them.

Who watches a face watches its parts: whether eyes and mouth live while the head moves. The mean over the whole crop
does not know one from the other. Several stages are asked, since the fine traces are gone from the last one.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

# Ellipses in shares of the aligned crop: middle across, middle down, half width, half height.
EYES = (0.5, 0.46, 0.26, 0.11)
MOUTH = (0.5, 0.79, 0.19, 0.12)
FACE = (0.5, 0.61, 0.28, 0.40)
INSIDE, EDGE, AROUND = 0.82, 1.08, 1.45  # how large the face is where its inside, its edge and its surroundings end
REGIONS = 5
FINENESS = 8  # points along each side of a cell, to see which share of it a region covers
SMALLEST = 1e-5  # of a variance, whose root is taken


def region_weights(side: int) -> Tensor:
    """[R, side, side], each region's cells summing to 1: eyes, mouth, skin, edge of the face, surroundings."""
    steps = (torch.arange(side * FINENESS) + 0.5) / (side * FINENESS)

    def within(ellipse: tuple[float, float, float, float], size: float = 1.0) -> Tensor:
        across, down, half_width, half_height = ellipse
        x, y = (steps - across) / half_width, (steps - down) / half_height
        return y.square()[:, None] + x.square()[None, :] < size**2

    inside, eyes, mouth = within(FACE, INSIDE), within(EYES), within(MOUTH)
    edge, around = within(FACE, EDGE), within(FACE, AROUND)
    regions = [eyes, mouth, inside & ~eyes & ~mouth, edge & ~inside & ~eyes, around & ~edge & ~eyes]
    fine = torch.stack(regions).float()  # [R, side * FINENESS, side * FINENESS]
    cells = nn.functional.avg_pool2d(fine, FINENESS)  # [R, side, side]
    return cells / cells.sum(dim=(1, 2), keepdim=True)


class RegionalPooling(nn.Module):
    """Stages [N, C, h, w] each -> [N, D], in groups of `width` numbers that speak of one region in one stage.

    A group tells of the channels' means or of their deviations there; groups stand stage by stage, the means before the
    deviations, region by region.
    """

    def __init__(self, channels: Sequence[int], sides: Sequence[int], width: int) -> None:
        super().__init__()
        for stage, side in enumerate(sides):
            self.register_buffer(f"weights_{stage}", region_weights(side), persistent=False)
        self.normal = nn.ModuleList(nn.BatchNorm1d(2 * REGIONS * count, affine=False) for count in channels)
        self.projections = nn.ParameterList(
            torch.randn(2 * REGIONS, count, width) / count**0.5 for count in channels
        )  # each [2R, C, width]
        self.output_dim = 2 * REGIONS * len(channels) * width

    def forward(self, stages: Sequence[Tensor]) -> Tensor:
        groups = []
        for stage, maps in enumerate(stages):
            statistics = self._statistics(stage, maps)  # [N, 2R, C]
            statistics = self._normalised(stage, statistics.flatten(1)).view_as(statistics)
            groups.append(torch.einsum("ngc,gcw->ngw", statistics, self.projections[stage]).flatten(1))
        return torch.cat(groups, dim=1)  # [N, D]

    def _normalised(self, stage: int, statistics: Tensor) -> Tensor:
        """[N, 2R * C]. Outside of training by hand: the exporter takes no normalisation that scales nothing."""
        normal = self.normal[stage]
        assert isinstance(normal, nn.BatchNorm1d)
        if self.training or normal.running_mean is None or normal.running_var is None:
            return normal(statistics)
        return (statistics - normal.running_mean) * torch.rsqrt(normal.running_var + normal.eps)

    def _statistics(self, stage: int, maps: Tensor) -> Tensor:
        """[N, C, h, w] -> [N, 2R, C]: means of the regions, then deviations."""
        cells = self.get_buffer(f"weights_{stage}").flatten(1)  # [R, h * w]
        values = maps.flatten(2).transpose(1, 2)  # [N, h * w, C]
        mean = cells @ values  # [N, R, C]
        variance = cells @ values.square() - mean.square()
        return torch.cat([mean, torch.sqrt(variance.clamp(min=0) + SMALLEST)], dim=1)
