"""A model without exported graphs is packaged into a cache folder once, and found there at every later start."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from model_src import models
from model_src.models.device import best_device
from model_src.serving.errors import ModelUnavailable
from model_src.serving.logs import logger
from model_src.serving.manifest import MANIFEST
from model_src.serving.predictor import Predictor

KEPT_SECONDS = 7 * 24 * 3600  # an exported model that nobody has served for so long


def can_package() -> bool:
    """A GPU runs no exported graphs; and the container serves what was packaged elsewhere, without the exporter."""
    return best_device() == "cpu" and find_spec("onnx") is not None


def packaged_once(folder: Path, fill: Callable[[Path], object], load: Callable[[Path], Predictor]) -> Predictor:
    """Serve what `fill` packages into the folder: made at the first start, found at every later one."""
    cache = folder.parent
    if folder.exists():
        try:
            with suppress(OSError):  # a cache may be there to read alone
                os.utime(folder)
            return load(folder)
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
    return load(folder)


def forget_unused(cache: Path) -> None:
    """What older code exported; another version of it may still run beside this one, so not at once."""
    for manifest in cache.glob(f"*/{MANIFEST}"):
        with suppress(OSError):  # another server that starts with us tidies up as well
            if time.time() - manifest.parent.stat().st_mtime > KEPT_SECONDS:
                shutil.rmtree(manifest.parent)


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
