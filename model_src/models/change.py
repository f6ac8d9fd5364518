"""How much each region of a face moves about within a second: what is generated lives less than what is filmed.

A face that was animated from one picture, or put on by a generator, blinks, breathes and twitches less than the one it
stands for, while the head under it moves as before. A sharp face in good light changes more than a soft one that does
the same, so change is counted in shares of what there is to change: the contrast.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from model_src.models.masks import masked_mean
from model_src.models.regions import REGIONS
from model_src.models.temporal import TemporalEncoder

FRAMES_PER_WINDOW = 5  # change is looked at in steps of a fifth of a second, however many frames a window has
SMALLEST = 1e-3
# What a still picture changes by when it was stored as a film is under 0.06, the stillest of 1,800 filmed and generated
# seconds changes by 0.12: of what faces differ from each other, the mean over all there is to measure.
STILL = 0.08


class RegionalChange(TemporalEncoder):
    """[B, T, D] as RegionalPooling gives them -> [B, G] at every place of T, one number for each region in each stage.

    For every distance in time the logarithm of the mean change, less that of the contrast, as far from the usual as
    usual windows are from each other; then the mean of all distances.
    """

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        self.channels = tuple(channels)
        self.output_dim = 2 * REGIONS * len(channels)  # G
        self.normal = nn.ModuleList(nn.BatchNorm1d(self.output_dim, affine=False) for _ in range(FRAMES_PER_WINDOW - 1))

    def sequence(self, frames: Tensor, mask: Tensor) -> Tensor:
        places = frames.shape[1]
        frames, mask = in_steps(frames), in_steps(mask)  # [B, T', D], [B, T']
        contrast = self._contrast(frames, mask)  # [B, G]
        sums = torch.zeros_like(contrast)
        told = torch.zeros_like(contrast[:, :1])  # [B, 1], over how many distances
        for distance, normal in enumerate(self.normal, start=1):
            difference, both = apart(frames, mask, distance)
            rows = both.any(dim=1)  # [B], is there anything to compare?
            if not rows.any() or (self.training and rows.sum() < 2):  # one row has no statistics to learn from
                continue
            change = self._grouped(difference[rows])  # [B', T' - distance, G]
            change = torch.log(masked_mean(change, both[rows]) + SMALLEST) - contrast[rows]  # [B', G]
            sums = sums.index_put((rows,), normal(change).to(sums.dtype), accumulate=True)
            told = told + rows[:, None]
        return (sums / told.clamp(min=1)).unsqueeze(1).expand(-1, places, -1)

    def enough(self, mask: Tensor) -> Tensor:
        """Change takes two frames to compare."""
        return in_steps(mask).sum(dim=1) >= 2

    def tells(self, frames: Tensor, mask: Tensor) -> Tensor:
        """A picture that is shown for a second neither lives nor is held still by a forger."""
        frames, mask = in_steps(frames), in_steps(mask)
        statistics = frames[..., : -REGIONS * len(self.channels)]  # without the contrast
        most = torch.zeros_like(statistics[:, 0, 0])  # [B], and nothing changes where there are no two frames
        for distance in range(1, frames.shape[1]):
            change, both = apart(statistics, mask, distance)
            most = torch.maximum(most, masked_mean(change.mean(dim=-1, keepdim=True), both).squeeze(-1))
        return most > STILL

    def _grouped(self, statistics: Tensor) -> Tensor:
        """[..., D] -> [..., G]: the mean over the channels of each region of each stage."""
        widths = [2 * REGIONS * count for count in self.channels]
        stages = statistics.split([*widths, REGIONS * len(self.channels)], dim=-1)[:-1]
        return torch.cat([stage.unflatten(-1, (2 * REGIONS, -1)).mean(dim=-1) for stage in stages], dim=-1)

    def _contrast(self, frames: Tensor, mask: Tensor) -> Tensor:
        """[B, T', D] -> its logarithm [B, G]: a region's means and deviations share one."""
        contrast = frames[..., -REGIONS * len(self.channels) :]  # [B, T', S * R]
        mean = torch.log(masked_mean(contrast, mask) + SMALLEST).unflatten(1, (-1, 1, REGIONS))  # [B, S, 1, R]
        return mean.expand(-1, -1, 2, -1).flatten(1)

    def around(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Frames [N, D] in their order -> windows [N, 3, D] of each with its neighbours, and the mask [N, 3]."""
        here = torch.arange(len(frames), device=frames.device)
        places = torch.stack([here - 1, here, here + 1], dim=1)  # [N, 3]
        mask = (places >= 0) & (places < len(frames))  # [N, 3]
        return frames[places.clamp(0, len(frames) - 1)], mask


def apart(frames: Tensor, mask: Tensor, distance: int) -> tuple[Tensor, Tensor]:
    """How much frames [B, T', D] so far apart differ, [B, T' - distance, D], and where both are there."""
    return (frames[:, distance:] - frames[:, :-distance]).abs(), mask[:, distance:] & mask[:, :-distance]


def in_steps(frames: Tensor) -> Tensor:
    """[B, T, ...] -> [B, T', ...]: five a window, however many it has."""
    return frames[:, :: max(1, frames.shape[1] // FRAMES_PER_WINDOW)]
