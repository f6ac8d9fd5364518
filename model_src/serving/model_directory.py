"""A packaged model, served as it was packaged or not at all: weights with their configuration, calibration, manifest.

On a processor it runs on the backend that was the fastest at packaging among those this machine can run.
Before it is served it scores the probe chunk, which warms it up and has to give the numbers the manifest knows.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from model_src.models import MultimodalModel, load_for_inference
from model_src.models.device import best_device
from model_src.models.ensemble import together
from model_src.preprocess.checksum import sha256
from model_src.serving.backends import BOUNDS, Backend, make_encoders, usable
from model_src.serving.cuda_encoders import CudaEncoders
from model_src.serving.encoders import Encoders
from model_src.serving.errors import InferenceFailed, ModelUnavailable
from model_src.serving.graph_encoders import keep_heads_only
from model_src.serving.logs import logger
from model_src.serving.manifest import CALIBRATION, MANIFEST, Manifest, read_verified
from model_src.serving.package import package_model
from model_src.serving.package_once import can_package, packaged_once, recipe
from model_src.serving.parity import difference, probabilities, probe_chunk
from model_src.serving.plan import Plan
from model_src.serving.predictor import Predictor
from model_src.verdict.scores import Calibration

BF16_BOUND = BOUNDS["openvino-bf16"]  # what CUDA is held to: it computes in bf16 as well


@dataclass(frozen=True)
class ModelDirectory:
    """With a cache folder, a model that comes without exported graphs is packaged there once."""

    path: Path
    keep_networks: bool = False  # beside the graphs that run in their place: to train on, or to package again
    cache: Path | None = None  # for a model that comes without graphs
    device: str | None = None  # else the best there is

    def exists(self) -> bool:
        return self.path.is_dir()

    def load(self) -> Predictor:
        manifest = read_verified(self.path)
        if not manifest.plans and self.cache is not None and can_package():
            return self._packaged(manifest, self.cache)
        members = [self._member(manifest, place) for place in range(1, manifest.members + 1)]
        models, encoders = [model for model, _ in members], [each for _, each in members]
        return Predictor(
            together(models),
            model_version=manifest.model_version,
            trained=manifest.trained,
            calibration=self.calibration(),
            weights_sha256=manifest.weights_sha256,
            device=self.device or best_device(),
            encoders=encoders,
        )

    def _packaged(self, manifest: Manifest, cache: Path) -> Predictor:
        def fill(folder: Path) -> None:
            package_model(
                folder,
                together(read_models(self.path)),
                model_version=manifest.model_version,
                trained=manifest.trained,
                calibration=self.calibration(),
            )

        name = f"{self.path.resolve().name}-{recipe(sha256(self.path / MANIFEST))}"
        predictor = packaged_once(cache / name, fill, lambda made: ModelDirectory(made, self.keep_networks).load())
        predictor.weights_sha256 = manifest.weights_sha256  # of the file that was published, not of our copy
        return predictor

    def calibration(self) -> Calibration:
        return Calibration.model_validate_json((self.path / CALIBRATION).read_bytes())

    def _member(self, manifest: Manifest, place: int) -> tuple[MultimodalModel, Encoders]:
        """One model and what runs its networks, which has proved to give the numbers that packaging saw."""
        device = self.device or best_device()
        model = load_for_inference(self.path / manifest.weights[place - 1], device)
        plan = manifest.plans[place - 1] if manifest.plans else None
        backend: Backend = "torch" if plan is None or device == "cuda" else plan.fastest(usable())
        if backend != "torch" and not self.keep_networks:
            keep_heads_only(model)
        encoders = CudaEncoders(model) if device == "cuda" else make_encoders(backend, model, self.path, place)
        if plan is not None:
            alone = Predictor(model, model_version="probe", trained=False, device=device, encoders=[encoders])
            check(alone, plan, f"{backend} ({device})", BF16_BOUND if device == "cuda" else BOUNDS[backend])
        logger.info("backend chosen", extra={"backend": backend, "device": device, "member": place})
        return model, encoders

    def __str__(self) -> str:
        return str(self.path)


def read_models(path: Path) -> list[MultimodalModel]:
    """The model of a checkpoint, or every member of a model directory, for whatever is not serving."""
    if not (path / MANIFEST).is_file():
        return [load_for_inference(path)]
    return [load_for_inference(path / name) for name in read_verified(path).weights]


def check(predictor: Predictor, plan: Plan, backend: str, bound: float) -> None:
    """Refuse a model that scores otherwise here than where it was packaged. Also its first run, the slowest one."""
    try:
        found = difference(probabilities(predictor.score_chunk(probe_chunk())), plan.reference)
    except InferenceFailed as error:
        raise ModelUnavailable(f"The model fails on the probe chunk: {error}") from error
    if not found.within(bound):
        raise ModelUnavailable(
            f"The model does not score here as it did when it was packaged: on {backend} a probability of the probe "
            f"chunk is off by {found.largest:.2g}, at most {bound:g} is allowed and no window may change its class. "
            "Package it again with the libraries that serve it."
        )
