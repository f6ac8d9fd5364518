"""On a processor, the part of the backbone that does not learn runs in OpenVINO: about three times as fast as in torch.

Only EfficientNets are cut: stem and leading blocks, where all of them are frozen. What comes out differs in the last
digits; what learns, learns in torch as before.
"""

from __future__ import annotations

from typing import Any

import openvino
import torch
from torch import Tensor, nn

from model_src.models.video_encoder import VideoEncoder


class Prefix(nn.Module):
    """Stem and the leading blocks: frames [N, C, H, W] -> maps [N, D, h, w]."""

    def __init__(self, backbone: Any, blocks: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(backbone.conv_stem, backbone.bn1)
        self.blocks = nn.Sequential(*backbone.blocks[:blocks])

    def forward(self, frames: Tensor) -> Tensor:
        return self.blocks(self.stem(frames))


def speed_up(encoder: VideoEncoder) -> bool:
    """True where there was something to cut: the encoder then computes the same, faster."""
    backbone = encoder.backbone
    stages = encoder.config.frozen_stages
    if stages == "all" or stages < 2 or not hasattr(backbone, "conv_stem"):
        return False
    blocks = stages - 1  # the stem is the first stage
    example = torch.zeros(2, encoder.config.channels, encoder.config.frame_size, encoder.config.frame_size)
    converted = openvino.convert_model(Prefix(backbone, blocks).eval(), example_input=example)
    compiled = openvino.Core().compile_model(converted, "CPU", {"INFERENCE_NUM_THREADS": torch.get_num_threads()})

    def forward_features(frames: Tensor) -> Tensor:
        found = compiled(frames.detach().contiguous().numpy())[0]
        maps = torch.from_numpy(found).contiguous(memory_format=torch.channels_last)
        maps = backbone.blocks[blocks:](maps)
        return backbone.bn2(backbone.conv_head(maps))

    backbone.forward_features = forward_features
    return True
