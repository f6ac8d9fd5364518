"""What the model says about a batch of windows."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from model_src.models.lip_sync import Sync


@dataclass(frozen=True)
class Features:
    """The vectors the heads read."""

    video: Tensor | None  # [B, V]
    audio: Tensor | None  # [B, U]
    fused: Tensor  # [B, F]


@dataclass(frozen=True)
class WindowLogits:
    """Logits: index 0 real, 1 fake. A modality the model is without is None; one a window lacks is False in has_*."""

    fused: Tensor  # [W, 2]
    video: Tensor | None  # [W, 2]
    audio: Tensor | None  # [W, 2]
    has_video: Tensor  # [W], false: no usable frame, so `video` means nothing
    has_audio: Tensor  # [W], false: no speech, so `audio` means nothing
    attention: Tensor | None  # [W, heads, T, A]; with `attention` fusion one query: [W, heads, 1, A]
    sync: Sync | None  # None without mouths, without a modality, or without a lip-sync head
    features: Features  # what the heads read; mc_dropout starts from here


@dataclass(frozen=True)
class TrainingOutput:
    """Everything a training step has a loss for."""

    windows: WindowLogits
    frames: Tensor | None  # [B, T, D], frame embeddings
    landmarks: Tensor | None  # [B, T, 68, 2], shares of the crop
    head_pose: Tensor | None  # [B, T, 3], yaw, pitch and roll in radians
