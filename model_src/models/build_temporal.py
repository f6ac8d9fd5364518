"""Which way along time a configuration asks for."""

from __future__ import annotations

from model_src.config.schema import TemporalConfig, VideoConfig
from model_src.models.change import RegionalChange
from model_src.models.temporal import AveragePool, TemporalConv, TemporalEncoder, TemporalTransformer


def build_temporal(input_dim: int, config: TemporalConfig, video: VideoConfig) -> TemporalEncoder:
    if config.kind == "change":
        return RegionalChange(input_dim, video.region_width)
    if config.kind == "avg_pool":
        return AveragePool(input_dim)
    if config.kind == "transformer":
        return TemporalTransformer(input_dim, config)
    return TemporalConv(input_dim, config.output_dim, config.kernel_size)
