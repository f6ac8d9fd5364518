"""Where the served model comes from: a verified model directory or, only when asked for, untrained weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from model_src.config import named_configs
from model_src.models import build, load_for_inference
from model_src.serving.errors import ModelUnavailable
from model_src.serving.manifest import CALIBRATION, read_verified
from model_src.serving.predictor import Predictor
from model_src.verdict.scores import Calibration

SAGEMAKER_MODEL_DIR = Path("/opt/ml/model")  # where SageMaker unpacks model.tar.gz
UNTRAINED_SEED = 0


def best_device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"


@dataclass(frozen=True)
class ModelDirectory:
    """A packaged model: weights with their configuration, calibration, and the manifest that vouches for both."""

    path: Path

    def exists(self) -> bool:
        return self.path.is_dir()

    def load(self) -> Predictor:
        manifest = read_verified(self.path)
        return Predictor(
            load_for_inference(self.path),
            model_version=manifest.model_version,
            trained=manifest.trained,
            calibration=Calibration.model_validate_json((self.path / CALIBRATION).read_bytes()),
            device=best_device(),
        )

    def __str__(self) -> str:
        return str(self.path)


@dataclass(frozen=True)
class UntrainedModel:
    """A named model with random weights, the same ones every time: for trying the machinery, never for a verdict."""

    name: str

    def exists(self) -> bool:
        return self.name in named_configs()

    def load(self) -> Predictor:
        if not self.exists():
            raise ModelUnavailable(f"No model is called {self.name!r}; there are: {', '.join(named_configs())}.")
        return Predictor(
            build(self.name, pretrained=False, seed=UNTRAINED_SEED),
            model_version=f"{self.name}-untrained",
            trained=False,
            device=best_device(),
        )

    def __str__(self) -> str:
        return f"untrained:{self.name}"


def choose_source(model_dir: str | None, untrained: str | None) -> ModelDirectory | UntrainedModel:
    """What the options or the environment ask for; random weights are never a fallback."""
    if model_dir and untrained:
        raise ValueError("A model directory and an untrained model were both asked for: choose one of them.")
    if untrained:
        return UntrainedModel(untrained)
    return ModelDirectory(Path(model_dir) if model_dir else SAGEMAKER_MODEL_DIR)
