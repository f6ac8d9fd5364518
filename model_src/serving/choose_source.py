"""Which model is served: a packaged one or, only when asked for, one with untrained weights."""

from __future__ import annotations

from pathlib import Path

from model_src.serving.model_directory import ModelDirectory
from model_src.serving.untrained_model import UntrainedModel

SAGEMAKER_MODEL_DIR = Path("/opt/ml/model")  # where SageMaker unpacks model.tar.gz


def choose_source(
    model_dir: str | None, untrained: str | None, cache_dir: str | None = None
) -> ModelDirectory | UntrainedModel:
    """What the options or the environment ask for; random weights are never a fallback."""
    if model_dir and untrained:
        raise ValueError("A model directory and an untrained model were both asked for: choose one of them.")
    cache = Path(cache_dir).resolve() if cache_dir else None
    if untrained:
        return UntrainedModel(untrained, cache)
    return ModelDirectory(Path(model_dir) if model_dir else SAGEMAKER_MODEL_DIR, cache=cache)
