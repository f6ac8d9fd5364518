"""A named model with random weights: for trying the machinery, never for a verdict."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from model_src.config import load_config, named_configs
from model_src.models import MultimodalModel, build
from model_src.models.device import best_device
from model_src.serving.cuda_encoders import CudaEncoders
from model_src.serving.errors import ModelUnavailable
from model_src.serving.model_directory import ModelDirectory
from model_src.serving.package import package_model
from model_src.serving.package_once import can_package, packaged_once, recipe
from model_src.serving.predictor import Predictor
from model_src.verdict.scores import Calibration

UNTRAINED_SEED = 0


@dataclass(frozen=True)
class UntrainedModel:
    """The same random weights every time.

    With a cache folder it is packaged there once, and from then on starts and runs as fast as a packaged model.
    """

    name: str
    cache: Path | None = None

    def exists(self) -> bool:
        return self.name in named_configs()

    def load(self) -> Predictor:
        if not self.exists():
            raise ModelUnavailable(f"No model is called {self.name!r}; there are: {', '.join(named_configs())}.")
        if self.cache is not None and can_package():
            return self._packaged(self.cache)
        model = self._built().requires_grad_(False).eval().to(best_device())
        encoders = [CudaEncoders(model)] if best_device() == "cuda" else None
        return Predictor(model, model_version=self._version, trained=False, device=best_device(), encoders=encoders)

    @property
    def _version(self) -> str:
        return f"{self.name}-untrained"

    def _built(self) -> MultimodalModel:
        return build(self.name, pretrained=False, seed=UNTRAINED_SEED)

    def _packaged(self, cache: Path) -> Predictor:
        def fill(folder: Path) -> None:
            package_model(folder, self._built(), model_version=self._version, trained=False, calibration=Calibration())

        made_of = recipe(load_config(self.name).model_dump_json(), str(UNTRAINED_SEED))
        return packaged_once(cache / f"{self._version}-{made_of}", fill, lambda made: ModelDirectory(made).load())

    def __str__(self) -> str:
        return f"untrained:{self.name}"
