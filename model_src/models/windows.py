"""Windows out of shared encodings: frames and sound are encoded once, however much the windows overlap."""

from __future__ import annotations

import torch
from torch import Tensor

STEPS_PER_SECOND = 50  # wav2vec2 moves on by 320 samples of 16 kHz
WINDOW_STEPS = 49  # what one second of sound gives


def gather_frames(encodings: Tensor, window_frames: Tensor) -> tuple[Tensor, Tensor]:
    """Encodings [N, D] and indices [W, T], -1 where a frame is missing -> [W, T, D] and the mask [W, T]."""
    mask = window_frames >= 0
    if len(encodings) == 0:
        return encodings.new_zeros(*window_frames.shape, encodings.shape[1]), mask
    windows = encodings[window_frames.clamp(min=0)]  # [W, T, D]
    return windows * mask.unsqueeze(-1), mask


def holding(window_frames: Tensor, frames: int) -> Tensor:
    """Indices [W, T], -1 where a frame is missing -> [W, N], 1 where a window holds a frame and 0 elsewhere."""
    held = torch.zeros(len(window_frames), frames, device=window_frames.device)
    rows, places = (window_frames >= 0).nonzero(as_tuple=True)
    held[rows, window_frames[rows, places]] = 1
    return held


def gather_audio(encodings: Tensor, mask: Tensor, starts: Tensor) -> tuple[Tensor, Tensor]:
    """A stretch's encodings [A, D], mask [A], window starts [W] in seconds from its beginning -> [W, 49, D], [W, 49].

    wav2vec2 hears beyond the window: what it makes of a second depends on the sound around it. Encode stretches of
    about the same length in training and in serving.
    """
    first = (starts * STEPS_PER_SECOND).round().long()  # [W]
    index = first.unsqueeze(1) + torch.arange(WINDOW_STEPS, device=starts.device)  # [W, 49]
    inside = (index >= 0) & (index < len(encodings))  # [W, 49]
    if len(encodings) == 0:
        return encodings.new_zeros(*index.shape, encodings.shape[1]), inside
    index = index.clamp(0, len(encodings) - 1)
    window_mask = mask[index] & inside
    return encodings[index] * window_mask.unsqueeze(-1), window_mask
