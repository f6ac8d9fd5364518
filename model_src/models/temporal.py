"""Temporal encoders: from the frames of a window to the video embedding. Frames may be missing."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from model_src.config.schema import TemporalConfig
from model_src.models.masks import all_there, masked_mean


class TemporalEncoder(nn.Module):
    """What every kind shares: `sequence` looks along time, the mean over the frames that are there is the embedding."""

    output_dim: int
    judges_frames = True  # whether one frame by itself tells it anything

    def with_points(self, embeddings: Tensor, points: Tensor | None) -> Tensor:  # noqa: ARG002 - most read pixels alone
        """What it reads of frames [..., D'], from embeddings [..., D] and points [..., 5, 2] of the displayed video."""
        return embeddings

    def sequence(self, frames: Tensor, mask: Tensor) -> Tensor:
        """[B, T, D], [B, T] -> [B, T, output_dim]; a missing frame has no say in the others."""
        raise NotImplementedError

    def enough(self, mask: Tensor) -> Tensor:
        """[B, T], which frames are there -> [B], are they enough to say anything?"""
        return mask.any(dim=1)

    def tells(self, frames: Tensor, mask: Tensor) -> Tensor:  # noqa: ARG002 - who judges frames takes any
        """[B, T, D], [B, T] -> [B], is there anything to go by?"""
        return self.enough(mask)

    def forward(self, frames: Tensor, mask: Tensor | None = None) -> Tensor:
        """[B, T, D], [B, T] -> [B, output_dim]."""
        mask = all_there(frames) if mask is None else mask
        return masked_mean(self.sequence(frames, mask), mask)


class AveragePool(TemporalEncoder):
    """The frames as they are."""

    def __init__(self, input_dim: int) -> None:
        super().__init__()
        self.output_dim = input_dim

    def sequence(self, frames: Tensor, mask: Tensor) -> Tensor:
        return frames * mask.to(frames.dtype).unsqueeze(-1)


class TemporalConv(TemporalEncoder):
    """One convolution along time: [B, T, D] -> [B, T, output_dim]."""

    def __init__(self, input_dim: int, output_dim: int = 2048, kernel_size: int = 3) -> None:
        super().__init__()
        self.output_dim = output_dim
        self.conv = nn.Conv1d(input_dim, output_dim, kernel_size, stride=1, padding=kernel_size // 2)

    def sequence(self, frames: Tensor, mask: Tensor) -> Tensor:
        there = frames * mask.to(frames.dtype).unsqueeze(-1)  # [B, T, D]: a gap looks like the padding at the ends
        return torch.relu(self.conv(there.transpose(1, 2))).transpose(1, 2)  # over [B, D, T], back to [B, T, out]


class TemporalTransformer(TemporalEncoder):
    """Self-attention along time, with sinusoidal positions: [B, T, D] -> [B, T, output_dim]."""

    positions: Tensor

    def __init__(self, input_dim: int, config: TemporalConfig) -> None:
        super().__init__()
        self.output_dim = config.output_dim
        self.input = nn.Linear(input_dim, config.hidden_dim)
        self.register_buffer("positions", sinusoids(config.max_frames, config.hidden_dim), persistent=False)
        layer = nn.TransformerEncoderLayer(
            config.hidden_dim,
            config.heads,
            dim_feedforward=4 * config.hidden_dim,
            dropout=config.dropout,
            batch_first=True,
            norm_first=True,
        )
        self.layers = nn.TransformerEncoder(layer, config.layers, enable_nested_tensor=False)
        self.output = nn.Linear(config.hidden_dim, config.output_dim)

    def sequence(self, frames: Tensor, mask: Tensor) -> Tensor:
        length = frames.shape[1]
        if length > len(self.positions):
            raise ValueError(f"a window of {length} frames, but temporal.max_frames is {len(self.positions)}")
        hidden = self.input(frames) + self.positions[:length]  # [B, T, hidden]
        # A row without any frame may look at its padding: its softmax would divide by nothing. The mean leaves it out.
        padding = ~mask & mask.any(dim=1, keepdim=True)  # [B, T], true where attention must not look
        return self.output(self.layers(hidden, src_key_padding_mask=padding))


def sinusoids(length: int, dim: int) -> Tensor:
    """Positions as sines and cosines of falling frequency: [length, dim]."""
    position = torch.arange(length).unsqueeze(1)  # [length, 1]
    rate = torch.exp(torch.arange(0, dim, 2) * (-math.log(10_000.0) / dim))  # [dim / 2]
    table = torch.zeros(length, dim)
    table[:, 0::2] = torch.sin(position * rate)
    table[:, 1::2] = torch.cos(position * rate)[:, : dim // 2]
    return table
