"""The video encoder: from a face crop to an embedding, and the last map that Grad-CAM looks at."""

from __future__ import annotations

import math
from typing import Any, NamedTuple, Self

import timm
import torch
from timm.layers.norm_act import convert_sync_batchnorm
from timm.models import group_parameters
from torch import Tensor, nn

from model_src.config.schema import VideoConfig
from model_src.models.frequency import FrequencyBranch
from model_src.models.inputs import IMAGENET_MEAN, IMAGENET_STD
from model_src.models.precision import in_full
from model_src.models.regions import RegionalPooling
from model_src.models.tones import TONES, Tones


class FrameEncodings(NamedTuple):
    embeddings: Tensor  # [N, D]
    maps: Tensor  # [N, D, h, w]; an embedding is the mean of its map, plus what does not depend on the map


class SpatialAttention(nn.Module):
    """Weighs every cell of a map by what its channels hold: [N, D, h, w] -> [N, D, h, w]."""

    def __init__(self) -> None:
        super().__init__()
        self.weigh = nn.Conv2d(2, 1, kernel_size=7, padding=3)

    def forward(self, maps: Tensor) -> Tensor:
        summary = torch.cat([maps.mean(dim=1, keepdim=True), maps.amax(dim=1, keepdim=True)], dim=1)  # [N, 2, h, w]
        return maps * torch.sigmoid(self.weigh(summary))  # [N, 1, h, w] spread over the channels


class VideoEncoder(nn.Module):
    """Any timm backbone, on 3 or 5 channels. Frames carry ImageNet statistics, whatever the backbone was trained on."""

    scale: Tensor
    shift: Tensor

    def __init__(self, config: VideoConfig) -> None:
        super().__init__()
        self.config = config
        backbone: Any = timm.create_model(
            config.backbone, pretrained=False, in_chans=config.channels, num_classes=0, global_pool=""
        )
        # Channels last: on a processor, depthwise convolutions run twice as fast.
        self.backbone: Any = backbone.to(memory_format=torch.channels_last)
        self.regions = self._regions() if config.pooling == "regions" else None
        self.tones = Tones(config.frame_size) if self.regions else None
        self.output_dim: int = self.regions.output_dim + TONES if self.regions else self.backbone.num_features
        self.attention = SpatialAttention() if config.spatial_attention else None
        self.frequency = FrequencyBranch(config.frame_size, self.output_dim) if config.frequency_branch else None
        scale, shift = self._restate_statistics()
        self.register_buffer("scale", scale, persistent=False)  # [1, C, 1, 1]
        self.register_buffer("shift", shift, persistent=False)  # [1, C, 1, 1]
        for name in self._frozen_names():
            self.backbone.get_parameter(name).requires_grad_(False)

    @property
    def compares(self) -> bool:
        """Whether frames are told apart by how little they differ: bfloat16 would round that away."""
        return self.regions is not None

    def forward(self, frames: Tensor) -> FrameEncodings:
        frames = frames.contiguous(memory_format=torch.channels_last)
        embeddings, maps = self._pooled(frames)  # [N, D], [N, D, h, w]
        if self.frequency is not None:
            embeddings = embeddings + self.frequency(frames)
        return FrameEncodings(embeddings, maps)

    def _pooled(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        shown = frames * self.scale + self.shift  # as the backbone knows them
        if self.regions is not None and self.tones is not None:
            with in_full(frames.device):
                embeddings = torch.cat([self.regions(self.last_stages(shown)), self.tones(frames)], dim=1)  # [N, D]
            return embeddings, embeddings[:, :, None, None]  # there is no one map behind it: a single cell
        maps = self._as_map(self.backbone.forward_features(shown))  # [N, D, h, w]
        if self.attention is not None:
            maps = self.attention(maps)
        return maps.mean(dim=(2, 3)), maps

    def last_stages(self, frames: Tensor) -> list[Tensor]:
        """What the last stages of the backbone give, [N, C, h, w] each."""
        return self.backbone.forward_intermediates(frames, indices=self.config.region_stages, intermediates_only=True)

    def _regions(self) -> RegionalPooling:
        stages = self.backbone.feature_info[-self.config.region_stages :]
        sides = [math.ceil(self.config.frame_size / stage["reduction"]) for stage in stages]
        return RegionalPooling([stage["num_chs"] for stage in stages], sides)

    def share_statistics(self) -> None:
        """Among the processes of a team. By timm's own conversion: torch's drops the activations its layers carry."""
        self.backbone = convert_sync_batchnorm(self.backbone)

    def train(self, mode: bool = True) -> Self:
        """A frozen normalisation layer keeps its statistics: it stays in evaluation mode."""
        super().train(mode)
        for module in self.backbone.modules():
            own = list(module.parameters(recurse=False))
            if own and not any(parameter.requires_grad for parameter in own):
                module.eval()
        return self

    def _as_map(self, features: Tensor) -> Tensor:
        if features.dim() == 3:  # a transformer's tokens [N, L, D]; class tokens come first
            tokens = features[:, getattr(self.backbone, "num_prefix_tokens", 0) :]
            side = int(tokens.shape[1] ** 0.5)
            return tokens.transpose(1, 2).reshape(tokens.shape[0], -1, side, side)
        if features.shape[1] != self.output_dim:  # channels last [N, h, w, D]
            return features.permute(0, 3, 1, 2)
        return features

    def _restate_statistics(self) -> tuple[Tensor, Tensor]:
        """Scale and shift from ImageNet statistics to those of the backbone; flow passes as it is."""
        mean, std = torch.tensor(IMAGENET_MEAN), torch.tensor(IMAGENET_STD)
        own_mean = torch.tensor(self.backbone.pretrained_cfg.get("mean", IMAGENET_MEAN))
        own_std = torch.tensor(self.backbone.pretrained_cfg.get("std", IMAGENET_STD))
        extra = self.config.channels - 3
        scale = torch.cat([std / own_std, torch.ones(extra)])
        shift = torch.cat([(mean - own_mean) / own_std, torch.zeros(extra)])
        return scale.view(1, -1, 1, 1), shift.view(1, -1, 1, 1)

    def _frozen_names(self) -> list[str]:
        """Parameters of the leading stages: the stem is the first, then each block as timm groups them."""
        if self.config.frozen_stages == "all":
            return [name for name, _ in self.backbone.named_parameters()]
        stages = group_parameters(self.backbone, self.backbone.group_matcher(coarse=True))
        return [name for stage in sorted(stages)[: self.config.frozen_stages] for name in stages[stage]]
