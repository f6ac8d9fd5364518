"""How much each region of a face changes from frame to frame: what is generated lives less than what is filmed.

A face that was animated from one picture, or put on by a generator, blinks, breathes and twitches less than the one it
stands for, while the head under it moves as before.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

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
        told = self.told(mask)  # [B]
        change = torch.zeros(len(frames), self.output_dim, dtype=frames.dtype, device=frames.device)
        if told.any() and not (self.training and told.sum() < 2):  # one row has no statistics to learn from
            change[told] = self.normal(self._change(frames[told], mask[told])).to(change.dtype)
        return change.unsqueeze(1).expand(-1, frames.shape[1], -1)

    def around(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Frames [N, D] in their order -> windows [N, 3, D] of each with its neighbours, and the mask [N, 3]."""
        places = torch.arange(len(frames), device=frames.device)[:, None] + torch.tensor(
            [-1, 0, 1], device=frames.device
        )
        mask = (places >= 0) & (places < len(frames))  # [N, 3]
        return frames[places.clamp(0, len(frames) - 1)], mask

    def _change(self, frames: Tensor, mask: Tensor) -> Tensor:
        step = self._step(frames.shape[1])
        both = (mask[:, step:] & mask[:, :-step]).to(frames.dtype)  # [B, T - step]
        difference = (frames[:, step:] - frames[:, :-step]).abs().unflatten(-1, (-1, self.width)).mean(dim=-1)
        mean = (difference * both.unsqueeze(-1)).sum(dim=1) / both.sum(dim=1, keepdim=True)  # [B, G]
        return torch.log(mean + SMALLEST)

    def told(self, mask: Tensor) -> Tensor:
        """[B, T] -> [B], is there anything to compare?"""
        step = self._step(mask.shape[1])
        return (mask[:, step:] & mask[:, :-step]).any(dim=1)

    def _step(self, frames: int) -> int:
        return max(1, frames // FRAMES_PER_WINDOW)
