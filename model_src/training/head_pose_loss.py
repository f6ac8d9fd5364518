"""What a model that guesses how a head is turned has wrong, by the five points that detection gave."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from model_src.models.head_pose import head_pose

SMALLEST = 8.0  # pixels per eye distance; points that lie closer are no face


def head_pose_loss(said: Tensor, points: Tensor, shown: Tensor) -> Tensor:
    """Angles [B, T, 3], points [B, T, 5, 2], mask [B, T] -> mean over the batch; windows without faces count zero."""
    target, size = head_pose(points)  # [B, T, 3], [B, T]
    counted = (shown & (size > SMALLEST)).to(said.dtype)  # [B, T]
    each = F.smooth_l1_loss(said, target.to(said.dtype), reduction="none", beta=0.1).mean(dim=-1)  # [B, T]
    return ((each * counted).sum(dim=1) / counted.sum(dim=1).clamp(min=1)).mean()
