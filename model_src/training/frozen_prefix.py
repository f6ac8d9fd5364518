"""On a processor, the part of the backbone that does not learn runs in OpenVINO: about three times as fast as in torch.

EfficientNets are cut after the leading blocks that are frozen; a backbone that is frozen as a whole and pooled by
regions runs there as a whole. What comes out differs in the last digits; what learns, learns in torch as before.
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


class Stages(nn.Module):
    """The whole backbone: frames [N, C, H, W] -> what its last stages give, [N, D, h, w] each."""

    def __init__(self, encoder: VideoEncoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, frames: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.encoder.last_stages(frames))


def speed_up(encoder: VideoEncoder) -> bool:
    """True where there was something to cut: the encoder then computes the same, faster."""
    backbone = encoder.backbone
    stages = encoder.config.frozen_stages
    if stages == "all" and encoder.regions is not None:
        run_stages(encoder)
        return True
    if stages == "all" or stages < 2 or not hasattr(backbone, "conv_stem"):
        return False
    blocks = stages - 1  # the stem is the first stage
    compiled = compiled_for(encoder, Prefix(backbone, blocks))

    def forward_features(frames: Tensor) -> Tensor:
        found = compiled(frames.detach().contiguous().numpy())[0]
        maps = torch.from_numpy(found).contiguous(memory_format=torch.channels_last)
        maps = backbone.blocks[blocks:](maps)
        return backbone.bn2(backbone.conv_head(maps))

    backbone.forward_features = forward_features
    return True


def run_stages(encoder: VideoEncoder) -> None:
    compiled = compiled_for(encoder, Stages(encoder))

    def last_stages(frames: Tensor) -> list[Tensor]:
        found = compiled(frames.detach().contiguous().numpy())
        return [torch.from_numpy(found[place].copy()) for place in range(encoder.config.region_stages)]

    encoder.last_stages = last_stages  # type: ignore[method-assign]


def compiled_for(encoder: VideoEncoder, network: nn.Module) -> openvino.CompiledModel:
    example = torch.zeros(2, encoder.config.channels, encoder.config.frame_size, encoder.config.frame_size)
    converted = openvino.convert_model(network.eval(), example_input=example)
    # Unless told otherwise, a processor that has bfloat16 computes in it.
    settings = {"INFERENCE_NUM_THREADS": torch.get_num_threads(), "INFERENCE_PRECISION_HINT": "f32"}
    return openvino.Core().compile_model(converted, "CPU", settings)
