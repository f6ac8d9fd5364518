"""From what preprocessing hands over to what the model takes; written once, for training and serving alike."""

from __future__ import annotations

import torch
from torch import Tensor

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
FLOW_SCALE = 10.0  # pixels between two sampled frames; brings face motion to about the size of a normalised colour
PCM_SCALE = 32768.0


def frames_from_crops(crops: Tensor, flow: Tensor | None = None) -> Tensor:
    """Face crops uint8 [N, H, W, 3], flow [N, H, W, 2] in pixels or none -> frames float [N, 3 or 5, H, W]."""
    mean = torch.tensor(IMAGENET_MEAN, device=crops.device)
    std = torch.tensor(IMAGENET_STD, device=crops.device)
    frames = (crops.float() / 255 - mean) / std  # [N, H, W, 3]
    if flow is not None:
        frames = torch.cat([frames, flow.float() / FLOW_SCALE], dim=-1)  # [N, H, W, 5]
    return frames.permute(0, 3, 1, 2).contiguous()  # [N, C, H, W]


def waveform_from_pcm(pcm: Tensor) -> Tensor:
    """16-bit sound int16 [..., S] -> float [..., S] between -1 and 1."""
    return pcm.float() / PCM_SCALE
