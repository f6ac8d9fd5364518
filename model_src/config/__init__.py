"""Named model configurations: one YAML file each, validated before anything is built."""

from __future__ import annotations

from model_src.config.load import load_config, named_configs
from model_src.config.schema import ModelConfig

__all__ = ["ModelConfig", "load_config", "named_configs"]
