"""Heads: from features to answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

REAL, FAKE = 0, 1
LANDMARKS = 68
POSE_ANGLES = 3  # yaw, pitch, roll


class Draws:
    """Chance for a batch of rows, from seeds that are each for so many of them: the rows of a seed get the same draws
    whichever rows come with them. Drawn on the processor, so they are the same for every device."""

    def __init__(self, seeds: Sequence[tuple[int, int]]) -> None:
        self._sources = [(torch.Generator().manual_seed(seed), rows) for seed, rows in seeds]

    def true(self, share: float, passes: int, width: int) -> Tensor:
        """Each element is true with that probability: [passes, B, width]."""
        places = [(torch.empty(passes, rows, width, dtype=torch.bool), source) for source, rows in self._sources]
        return torch.cat([place.bernoulli_(share, generator=source) for place, source in places], dim=1)


class ClassificationHead(nn.Module):
    """Linear, ReLU, dropout, linear: [B, input_dim] -> [B, 2], index 0 real and 1 fake.

    Without a hidden layer (None) the features themselves are dropped and weighed: for few that tell much.
    """

    def __init__(self, input_dim: int, hidden_dim: int | None = 512, dropout: float = 0.3) -> None:
        super().__init__()
        self.hidden: Any = None if hidden_dim is None else nn.Linear(input_dim, hidden_dim)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(hidden_dim or input_dim, 2)

    def forward(self, features: Tensor) -> Tensor:
        return self.output(self.dropout(self._weighed(features)))

    def mc_dropout(self, features: Tensor, passes: int, draws: Draws) -> Tensor:
        """So many answers, each with other units dropped: [B, input_dim] -> [passes, B, 2].

        The draws decide which, so the same seed gives the same interval, and the model stays in eval mode.
        """
        weighed = self._weighed(features)  # [B, hidden]
        kept = draws.true(1 - self.dropout.p, passes, weighed.shape[1]).to(weighed.device)  # [passes, B, hidden]
        return self.output(weighed * kept / (1 - self.dropout.p))

    def _weighed(self, features: Tensor) -> Tensor:
        """What the last layer reads: [B, input_dim] -> [B, hidden]."""
        return features if self.hidden is None else torch.relu(self.hidden(features))


class LandmarkHead(nn.Module):
    """68 facial landmarks as shares of the crop: [..., D] -> [..., 68, 2]."""

    def __init__(self, input_dim: int) -> None:
        super().__init__()
        self.output = nn.Linear(input_dim, LANDMARKS * 2)

    def forward(self, embeddings: Tensor) -> Tensor:
        return torch.sigmoid(self.output(embeddings)).unflatten(-1, (LANDMARKS, 2))


class HeadPoseHead(nn.Module):
    """Yaw, pitch and roll in radians, each within a quarter turn either way: [..., D] -> [..., 3]."""

    def __init__(self, input_dim: int) -> None:
        super().__init__()
        self.output = nn.Linear(input_dim, POSE_ANGLES)

    def forward(self, embeddings: Tensor) -> Tensor:
        return torch.pi / 2 * torch.tanh(self.output(embeddings))


def log_odds(logits: Tensor) -> Tensor:
    """How much more fake than real: [..., 2] -> [...]. Its sigmoid is the probability of fake."""
    return logits[..., FAKE] - logits[..., REAL]
