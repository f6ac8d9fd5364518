"""Named builders: from a configuration to a model, with or without pretrained weights, never silently without."""

from __future__ import annotations

from pathlib import Path

import torch

from model_src.config.load import load_config
from model_src.config.schema import ModelConfig
from model_src.models.multimodal_model import MultimodalModel
from model_src.models.weights import load_pretrained_audio, load_pretrained_video


def build(name: str | Path | ModelConfig, *, pretrained: bool, seed: int = 0) -> MultimodalModel:
    """The model of a named configuration ("contract-v1", "compact"), of a YAML file, or of a configuration.

    `pretrained=True` fills the encoders with their pretrained weights and raises MissingWeightsError where those cannot
    be had. What is not pretrained is random, and the same for the same seed; the caller's random state is left alone.
    """
    config = name if isinstance(name, ModelConfig) else load_config(name)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = MultimodalModel(config)
    if pretrained and config.enable_video:
        load_pretrained_video(model.video_encoder)
    if pretrained and config.enable_audio:
        load_pretrained_audio(model.audio_encoder)
    return model
