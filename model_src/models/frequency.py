"""The frequency branch: generators leave traces in the spectrum that the picture hides."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from model_src.models.precision import in_full
from model_src.models.shrink import shrink

LUMINANCE = (0.299, 0.587, 0.114)


def dct_matrix(size: int) -> Tensor:
    """The orthonormal DCT-II as a matrix [size, size]: row k holds the k-th cosine."""
    k = torch.arange(size, dtype=torch.float64).unsqueeze(1)  # [size, 1]
    n = torch.arange(size, dtype=torch.float64).unsqueeze(0)  # [1, size]
    matrix = torch.cos(math.pi * (n + 0.5) * k / size) * math.sqrt(2 / size)
    matrix[0] /= math.sqrt(2)
    return matrix.float()


class FrequencyBranch(nn.Module):
    """Log-magnitude of the crop's DCT, read by a small convolutional network: [N, C, S, S] -> [N, D]."""

    dct: Tensor
    luminance: Tensor

    def __init__(self, frame_size: int, output_dim: int) -> None:
        super().__init__()
        self.register_buffer("dct", dct_matrix(frame_size), persistent=False)
        self.register_buffer("luminance", torch.tensor(LUMINANCE).view(1, 3, 1, 1), persistent=False)
        self.network = nn.Sequential(
            *shrink(1, 16, size=5, stride=4),
            *shrink(16, 32, size=3),
            *shrink(32, 64, size=3),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )
        self.projection = nn.Linear(64, output_dim)

    def log_magnitude(self, frames: Tensor) -> Tensor:
        """[N, C, S, S] -> [N, 1, S, S], the constant term at the top left."""
        grey = (frames[:, :3] * self.luminance).sum(dim=1, keepdim=True)  # [N, 1, S, S]
        with in_full(frames.device):  # the fine of a spectrum is thousands of times smaller than its coarse
            return torch.log(torch.abs(self.dct @ grey @ self.dct.T) + 1e-3)

    def forward(self, frames: Tensor) -> Tensor:
        features: Tensor = self.network(self.log_magnitude(frames))  # [N, 64]
        return self.projection(features)  # [N, D]
