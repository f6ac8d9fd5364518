"""Sequences with gaps: a mask is true where something is there."""

from __future__ import annotations

import torch
from torch import Tensor


def masked_mean(sequence: Tensor, mask: Tensor) -> Tensor:
    """Mean over the steps that are there: [B, L, D] and [B, L] -> [B, D]; zero where none is."""
    weights = mask.to(sequence.dtype).unsqueeze(-1)  # [B, L, 1]
    return (sequence * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1)


def all_there(sequence: Tensor) -> Tensor:
    """The mask of a sequence [B, L, D] without gaps: [B, L]."""
    return torch.ones(sequence.shape[:2], dtype=torch.bool, device=sequence.device)
