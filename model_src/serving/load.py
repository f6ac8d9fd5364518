"""Where the served model comes from: a verified model directory or, only when asked for, untrained weights.

On a processor, a packaged model runs on the backend that was the fastest at packaging among those this machine can run.
With a cache folder, a model that comes without exported graphs is packaged there once.
Before it is served it scores the probe chunk, which warms it up and has to give the numbers the manifest knows.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import torch

from model_src import models
from model_src.config import load_config, named_configs
from model_src.models import MultimodalModel, build, load_for_inference
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
from model_src.serving.parity import difference, probabilities, probe_chunk
from model_src.serving.plan import Plan
from model_src.serving.predictor import Predictor
from model_src.verdict.scores import Calibration

SAGEMAKER_MODEL_DIR = Path("/opt/ml/model")  # where SageMaker unpacks model.tar.gz
UNTRAINED_SEED = 0
KEPT_SECONDS = 7 * 24 * 3600  # an exported model that nobody has served for so long
BF16_BOUND = BOUNDS["openvino-bf16"]  # what CUDA is held to: it computes in bf16 as well


def best_device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"


@dataclass(frozen=True)
class ModelDirectory:
    """A packaged model: weights with their configuration, calibration, and the manifest that vouches for both."""

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
        predictor = packaged_once(ModelDirectory(cache / name, self.keep_networks), fill)
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


@dataclass(frozen=True)
class UntrainedModel:
    """A named model with random weights, the same ones every time: for trying the machinery, never for a verdict.

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
        return packaged_once(ModelDirectory(cache / f"{self._version}-{made_of}"), fill)

    def __str__(self) -> str:
        return f"untrained:{self.name}"


def can_package() -> bool:
    """A GPU runs no exported graphs; and the container serves what was packaged elsewhere, without the exporter."""
    return best_device() == "cpu" and find_spec("onnx") is not None


def packaged_once(directory: ModelDirectory, fill: Callable[[Path], object]) -> Predictor:
    """Serve what `fill` packages into a folder: made at the first start, found at every later one."""
    folder, cache = directory.path, directory.path.parent
    if folder.exists():
        try:
            with suppress(OSError):  # a cache may be there to read alone
                os.utime(folder)
            return directory.load()
        except ModelUnavailable as error:  # made by other code, or damaged: it can be made again
            logger.warning("cached model discarded", extra={"reason": str(error)})
            shutil.rmtree(folder)
    logger.info("exporting the model for faster backends, once; this may take a minute", extra={"cache": str(cache)})
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as temporary:
        made = Path(temporary) / "model"
        fill(made)
        try:
            made.rename(folder)
        except OSError:
            if not folder.exists():  # else another server that started with us was quicker
                raise
    forget_unused(cache)
    return directory.load()


def forget_unused(cache: Path) -> None:
    """What older code exported; another version of it may still run beside this one, so not at once."""
    for manifest in cache.glob(f"*/{MANIFEST}"):
        with suppress(OSError):  # another server that starts with us tidies up as well
            if time.time() - manifest.parent.stat().st_mtime > KEPT_SECONDS:
                shutil.rmtree(manifest.parent)


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


def recipe(*made_of: str) -> str:
    """A short name for all that decides what a package made here looks like, our code and the libraries among it."""
    parts = [*made_of]
    parts += [path.read_text(encoding="utf-8") for path in sorted(Path(models.__file__).parent.glob("*.py"))]
    for library in ("torch", "onnxruntime", "openvino"):
        try:
            parts.append(version(library))
        except PackageNotFoundError:
            parts.append("none")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


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
