"""Where the numbers of a run go: a file of JSON lines, TensorBoard by default, MLflow and W&B where asked for."""

from __future__ import annotations

import importlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from model_src.training.settings import LogSettings

FILE = "metrics.jsonl"
EXTRA = "pip install 'aura-veracity[train]'"
logger = logging.getLogger(__name__)

Write = Callable[[int, Mapping[str, float]], None]


class TrackerMissing(RuntimeError):
    """A tracker was asked for and its package is not installed."""


class Journal:
    def __init__(
        self, folder: Path, settings: LogSettings, run: Mapping[str, Any], listeners: Sequence[Write] = ()
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = (folder / FILE).open("a", encoding="utf-8")
        self._writers = list(listeners)
        self._closers: list[Callable[[], None]] = [self._file.close]
        if settings.tensorboard:
            self._open_tensorboard(folder)
        if settings.mlflow:
            self._open_mlflow(run)
        if settings.wandb:
            self._open_wandb(folder, run)

    def write(self, kind: str, step: int, numbers: Mapping[str, float]) -> None:
        self._file.write(json.dumps({"kind": kind, "step": step, **numbers}) + "\n")
        self._file.flush()
        named = {f"{kind}/{name}": value for name, value in numbers.items()}
        for write in self._writers:
            write(step, named)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for close in self._closers:
            close()

    def _open_tensorboard(self, folder: Path) -> None:
        """On by default, so its absence is said once and is no error."""
        try:
            module = importlib.import_module("torch.utils.tensorboard")
        except ImportError:
            logger.warning("TensorBoard is not installed, the curves are in %s alone: %s", folder / FILE, EXTRA)
            return
        writer = module.SummaryWriter(str(folder / "tensorboard"))

        def write(step: int, numbers: Mapping[str, float]) -> None:
            for name, value in numbers.items():
                writer.add_scalar(name, value, step)

        self._writers.append(write)
        self._closers.append(writer.close)

    def _open_mlflow(self, run: Mapping[str, Any]) -> None:
        mlflow = asked_for("mlflow", "MLflow")
        mlflow.start_run()
        mlflow.log_params(dict(run))
        self._writers.append(lambda step, numbers: mlflow.log_metrics(dict(numbers), step=step))
        self._closers.append(mlflow.end_run)

    def _open_wandb(self, folder: Path, run: Mapping[str, Any]) -> None:
        wandb = asked_for("wandb", "Weights & Biases")
        opened = wandb.init(project="aura-veracity", dir=str(folder), config=dict(run))
        self._writers.append(lambda step, numbers: opened.log(dict(numbers), step=step))
        self._closers.append(opened.finish)


def asked_for(package: str, name: str) -> Any:
    try:
        return importlib.import_module(package)
    except ImportError:
        raise TrackerMissing(f"{name} is not installed: pip install {package}") from None
