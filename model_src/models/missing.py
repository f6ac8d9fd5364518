"""A modality that is not there: a learned token stands in, never zeros by accident."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class MissingToken(nn.Module):
    """Puts one learned step where a sequence has no step at all."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.token = nn.Parameter(torch.randn(dim) * 0.02)

    def forward(self, sequence: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """[B, L, D], [B, L] -> the same; a row without any step becomes the token alone, at its first step."""
        gone = ~mask.any(dim=1)  # [B]
        first = torch.zeros_like(mask)
        first[:, 0] = True
        mask = torch.where(gone.unsqueeze(1), first, mask)
        sequence = torch.where(gone[:, None, None], self.token.to(sequence.dtype).expand_as(sequence), sequence)
        return sequence, mask


class ModalityDropout(nn.Module):
    """In training, now and then takes the picture or the sound from a window, never both, so that either suffices."""

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability

    def forward(self, has_video: Tensor, has_audio: Tensor) -> tuple[Tensor, Tensor]:
        """What each window has, [B] and [B] -> what of it is kept."""
        if not self.training or self.probability == 0:
            return has_video, has_audio
        both = has_video & has_audio  # [B]: what stands alone stays
        chance = torch.rand(both.shape, device=both.device)
        drop_video = both & (chance < self.probability / 2)
        drop_audio = both & (chance >= self.probability / 2) & (chance < self.probability)
        return has_video & ~drop_video, has_audio & ~drop_audio
