"""Windows out of shared encodings: a frame is encoded once, however many windows hold it."""

from __future__ import annotations

import torch
from torch import Tensor

STEPS_PER_SECOND = 50  # wav2vec2 moves on by 320 samples of 16 kHz


def gather_frames(encodings: Tensor, window_frames: Tensor) -> tuple[Tensor, Tensor]:
    """Encodings [N, D] and indices [W, T], -1 where a frame is missing -> [W, T, D] and the mask [W, T]."""
    mask = window_frames >= 0
    if len(encodings) == 0:
        return encodings.new_zeros(*window_frames.shape, encodings.shape[1]), mask
    windows = encodings[window_frames.clamp(min=0)]  # [W, T, D]
    return windows.masked_fill(~mask.unsqueeze(-1), 0), mask  # not times zero: what stands in may be no number


def holding(window_frames: Tensor, frames: int) -> Tensor:
    """Indices [W, T], -1 where a frame is missing -> [W, N], 1 where a window holds a frame and 0 elsewhere."""
    held = torch.zeros(len(window_frames), frames, device=window_frames.device)
    rows, places = (window_frames >= 0).nonzero(as_tuple=True)
    held[rows, window_frames[rows, places]] = 1
    return held
