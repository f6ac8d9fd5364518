"""How much each region of a face changes from frame to frame: what is generated lives less than what is filmed.

A face that was animated from one picture, or put on by a generator, blinks, breathes and twitches less than the one it
stands for, while the head under it moves as before.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from model_src.models.masks import masked_mean
from model_src.models.temporal import TemporalEncoder

FRAMES_PER_WINDOW = 5  # the change is that of a fifth of a second, however many frames a window has
SMALLEST = 1e-3


class RegionalChange(TemporalEncoder):
    """[B, T, D] in groups of `width` -> the logarithm of each group's mean change, [B, G] at every place of T.

    A window in which no two frames follow each other tells nothing: it holds the mean of all windows.
    """

    def __init__(self, input_dim: int, width: int) -> None:
        super().__init__()
        self.width = width
        self.output_dim = input_dim // width  # G
        self.normal = nn.BatchNorm1d(self.output_dim, affine=False)

    def sequence(self, frames: Tensor, mask: Tensor) -> Tensor:
        step = max(1, frames.shape[1] // FRAMES_PER_WINDOW)
        both = mask[:, step:] & mask[:, :-step]  # [B, T - step]
        told = both.any(dim=1)  # [B], is there anything to compare?
        change = torch.zeros(len(frames), self.output_dim, dtype=frames.dtype, device=frames.device)
        if told.any() and not (self.training and told.sum() < 2):  # one row has no statistics to learn from
            difference = (frames[told, step:] - frames[told, :-step]).abs().unflatten(-1, (-1, self.width)).mean(dim=-1)
            mean = masked_mean(difference, both[told])  # [B, G]
            change[told] = self.normal(torch.log(mean + SMALLEST)).to(change.dtype)
        return change.unsqueeze(1).expand(-1, frames.shape[1], -1)

    def around(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Frames [N, D] in their order -> windows [N, 3, D] of each with its neighbours, and the mask [N, 3]."""
        here = torch.arange(len(frames), device=frames.device)
        places = torch.stack([here - 1, here, here + 1], dim=1)  # [N, 3]
        mask = (places >= 0) & (places < len(frames))  # [N, 3]
        return frames[places.clamp(0, len(frames) - 1)], mask
