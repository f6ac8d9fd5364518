"""Which way a head is turned, from the five points that detection gives.

The picture shows a face at some distance, by a camera nobody knows: a far one is assumed, so that five points of an
average face explain it by a turn, a size and a place alone.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

# Eyes, nose, mouth corners of an average face that looks into the camera, in eye distances: right, down, and away.
FACE = ((-0.5, 0.0, 0.0), (0.5, 0.0, 0.0), (0.0, 0.57, -0.45), (-0.41, 1.15, -0.1), (0.41, 1.15, -0.1))
EXPLAINED = torch.linalg.pinv(torch.tensor(FACE) - torch.tensor(FACE).mean(dim=0))  # [3, 5]: points to turn and size
YAW, PITCH, ROLL = 0, 1, 2


def head_pose(points: Tensor) -> tuple[Tensor, Tensor]:
    """Points [..., 5, 2] in pixels -> yaw, pitch, roll [..., 3] in radians, and pixels per eye distance [...].

    Positive: the nose to the right of the picture, down, and the head leaning clockwise.
    """
    seen = points.float() - points.float().mean(dim=-2, keepdim=True)
    # [..., 2, 3]: the first two rows of the turn, times the size. Mixed precision would round a matrix product.
    rows = (EXPLAINED.to(points.device) * seen.mT.unsqueeze(-2)).sum(dim=-1)
    across, down = F.normalize(rows, dim=-1).unbind(dim=-2)  # [..., 3] each
    away = torch.linalg.cross(across, down)  # [..., 3]
    yaw = torch.asin(away[..., 0].clamp(-1, 1))
    pitch = torch.atan2(away[..., 1], away[..., 2])
    roll = torch.atan2(down[..., 0], across[..., 0])
    return torch.stack([yaw, pitch, roll], dim=-1), rows.norm(dim=-1).mean(dim=-1)
