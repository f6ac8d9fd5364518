"""Which way along time a configuration asks for."""

from __future__ import annotations

from collections.abc import Sequence

from model_src.config.schema import TemporalConfig
from model_src.models.change import RegionalChange
from model_src.models.temporal import AveragePool, TemporalConv, TemporalEncoder, TemporalTransformer


def build_temporal(input_dim: int, config: TemporalConfig, stages: Sequence[int] = ()) -> TemporalEncoder:
    """`stages`: how many channels each stage has whose regions are pooled."""
    if config.kind == "change":
        return RegionalChange(stages)
    if config.kind == "avg_pool":
        return AveragePool(input_dim)
    if config.kind == "transformer":
        return TemporalTransformer(input_dim, config)
    return TemporalConv(input_dim, config.output_dim, config.kernel_size)
