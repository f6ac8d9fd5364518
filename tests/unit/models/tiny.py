"""The design of the contract at a size that trains in a test: the same parts, few and narrow."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from model_src.config import ModelConfig

SIDE = 64  # pixels of a tiny crop
HEARING = {
    "model_type": "wav2vec2",
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "conv_dim": [16] * 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
}
TINY: dict[str, Any] = {
    "name": "tiny",
    "video": {"backbone": "test_efficientnet", "frame_size": SIDE},
    "temporal": {"output_dim": 32, "hidden_dim": 16, "heads": 2},
    "audio": {"checkpoint": None, "architecture": HEARING, "frozen_blocks": 0, "freeze_feature_extractor": False}
    | {"output_dim": 24},
    "fusion": {"hidden_dim": 16},
    "heads": {"hidden_dim": 32},
    "lip_sync": {"dim": 16},
}


def tiny_config(**changes: Any) -> ModelConfig:
    """The tiny configuration; a dict changes single fields of a section, anything else replaces the field."""
    merged = dict(TINY)
    for field, change in changes.items():
        merged[field] = {**merged.get(field, {}), **change} if isinstance(change, dict) else change
    return ModelConfig.model_validate(merged)


def tiny_video(rows: int = 2, frames: int = 5, channels: int = 3, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(rows, frames, channels, SIDE, SIDE, generator=generator)


def tiny_sound(rows: int = 2, seconds: float = 1.0, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 0.1 * torch.randn(rows, int(seconds * 16_000), generator=generator)
