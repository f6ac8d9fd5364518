"""The step that the small convolutional networks are made of: a map gets smaller and gains features."""

from __future__ import annotations

from torch import nn


def shrink(features: int, made: int, size: int, stride: int = 2) -> tuple[nn.Module, nn.Module, nn.Module]:
    """Layers that take [N, features, H, W] to [N, made, H / stride, W / stride]."""
    return nn.Conv2d(features, made, size, stride=stride, padding=size // 2), nn.GroupNorm(4, made), nn.ReLU()
