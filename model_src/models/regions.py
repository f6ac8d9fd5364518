"""Five regions of an aligned face, and what every stage of a backbone finds in each of them.

Who watches a face watches its parts: whether eyes and mouth live while the head moves. The mean over the whole crop
does not know one from the other. Several stages are asked, since the fine traces are gone from the last one.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

# In shares of the aligned crop. Ellipses: middle across, middle down, half width, half height.
EYES = (0.5, 0.46, 0.26, 0.11)
MOUTH = (0.5, 0.79, 0.19, 0.12)
# The right half of the outline of a face, from the forehead to the chin: narrower below than above, and convex.
HALF_FACE = (
    (0.498, 0.209),
    (0.625, 0.23),
    (0.738, 0.312),
    (0.781, 0.475),
    (0.768, 0.653),
    (0.712, 0.831),
    (0.601, 0.98),
    (0.502, 1.01),
)
INSIDE, EDGE, AROUND = 0.82, 1.08, 1.45  # how large the face is where its inside, its edge and its surroundings end
REGIONS = 5
SKIN, EDGE_OF_FACE, AROUND_FACE = 2, 3, 4  # their places; eyes and mouth come first
FINENESS = 8  # points along each side of a cell, to see which share of it a region covers
SMALLEST = 1e-5  # of a variance, whose root is taken
COARSE = 14  # cells along each side, about; what is finer varies by grain and compression more than by what a face does


def region_weights(side: int) -> Tensor:
    """[R, side, side], each region's cells summing to 1."""
    cells = region_cells(side)
    return cells / cells.sum(dim=(1, 2), keepdim=True)


def region_cells(side: int) -> Tensor:
    """[R, side, side], how much of each cell is eyes, mouth, skin, edge of the face, surroundings."""
    steps = (torch.arange(side * FINENESS) + 0.5) / (side * FINENESS)
    y, x = torch.meshgrid(steps, steps, indexing="ij")

    def ellipse(across: float, down: float, half_width: float, half_height: float) -> Tensor:
        return ((x - across) / half_width).square() + ((y - down) / half_height).square() < 1

    size = face_size(x, y)
    inside, edge, around = size < INSIDE, size < EDGE, size < AROUND
    eyes, mouth = ellipse(*EYES) & inside, ellipse(*MOUTH) & inside
    fine = torch.stack([eyes, mouth, inside & ~eyes & ~mouth, edge & ~inside, around & ~edge]).float()
    return nn.functional.avg_pool2d(fine, FINENESS)


def face_size(x: Tensor, y: Tensor) -> Tensor:
    """How large the face would have to be for its outline to run through each point, as seen from its middle."""
    corners = outline()
    middle = corners.mean(dim=0)
    size = torch.zeros_like(x)
    for corner, end in zip(corners, corners.roll(-1, dims=0), strict=True):
        across, down = end[1] - corner[1], corner[0] - end[0]  # at right angles to this side, outwards
        reach = across * (corner[0] - middle[0]) + down * (corner[1] - middle[1])
        size = torch.maximum(size, (across * (x - middle[0]) + down * (y - middle[1])) / reach)
    return size


def outline() -> Tensor:
    """[P, 2]: the corners of a face, clockwise from the forehead."""
    right = torch.tensor(HALF_FACE)
    left = right[1:-1].flip(0) * torch.tensor([-1.0, 1.0]) + torch.tensor([2 * HALF_FACE[0][0], 0.0])
    return torch.cat([right, left])


class RegionalPooling(nn.Module):
    """Stages [N, C, h, w] each -> [N, D]: for every region in every stage, what it looks like and how much it holds.

    Stage by stage, the channels' means region by region, then the deviations of their coarse maps, each as far from the
    usual as usual faces are from each other. At the end, stage by stage and region by region, the contrast: the mean
    deviation itself.
    """

    def __init__(self, channels: Sequence[int], sides: Sequence[int]) -> None:
        super().__init__()
        self.channels = tuple(channels)
        self.cells = tuple(max(1, side // COARSE) for side in sides)  # of a map along each side of a coarse one's cell
        for stage, (side, cells) in enumerate(zip(sides, self.cells, strict=True)):
            self.register_buffer(f"weights_{stage}", region_weights(side), persistent=False)
            self.register_buffer(f"coarse_weights_{stage}", region_weights(side // cells), persistent=False)
        self.normal = nn.ModuleList(nn.BatchNorm1d(2 * REGIONS * count, affine=False) for count in channels)
        self.output_dim = 2 * REGIONS * sum(channels) + REGIONS * len(channels)

    def forward(self, stages: Sequence[Tensor]) -> Tensor:
        found, contrasts = [], []
        for stage, maps in enumerate(stages):
            mean, deviation = self._statistics(stage, maps)  # [N, R, C] each
            found.append(self._normalised(stage, torch.cat([mean, deviation], dim=1).flatten(1)))  # [N, 2R * C]
            contrasts.append(deviation.mean(dim=2))  # [N, R]
        return torch.cat([*found, *contrasts], dim=1)  # [N, D]

    def _normalised(self, stage: int, statistics: Tensor) -> Tensor:
        """[N, 2R * C]. Outside of training by hand: the exporter takes no normalisation that scales nothing."""
        normal = self.normal[stage]
        assert isinstance(normal, nn.BatchNorm1d)
        if self.training or normal.running_mean is None or normal.running_var is None:
            return normal(statistics)
        return (statistics - normal.running_mean) * torch.rsqrt(normal.running_var + normal.eps)

    def _statistics(self, stage: int, maps: Tensor) -> tuple[Tensor, Tensor]:
        """[N, C, h, w] -> means and deviations of the regions, [N, R, C] each."""
        values = maps.flatten(2).transpose(1, 2)  # [N, h * w, C]
        mean = self.get_buffer(f"weights_{stage}").flatten(1) @ values
        regions = self.get_buffer(f"coarse_weights_{stage}").flatten(1)  # [R, cells]
        coarse = nn.functional.avg_pool2d(maps, self.cells[stage]).flatten(2).transpose(1, 2)  # [N, cells, C]
        variance = regions @ coarse.square() - (regions @ coarse).square()
        return mean, torch.sqrt(variance.clamp(min=0) + SMALLEST)
