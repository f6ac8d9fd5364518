"""Weights on disk: `.pth` to train on from, safetensors to serve. Neither is ever unpickled beyond plain data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from model_src.config.schema import ModelConfig
from model_src.write_whole import write_whole

if TYPE_CHECKING:  # the model itself reads and writes through this file
    from model_src.models.multimodal_model import MultimodalModel

SERVED_NAME = "model.safetensors"
LATEST_NAME = "multimodal_latest.pth"


class CheckpointUnreadable(ValueError):
    """The file does not hold what was saved; the message says which one."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} is no complete checkpoint: it was cut off, or something else is in it (a model.tar.gz is unpacked "
            "first, and its folder given)"
        )


def checkpoint_name(epoch: int, auc: float) -> str:
    return f"multimodal_v1_epoch{epoch}_{auc:.4f}.pth"


def best_checkpoint_name(auc: float) -> str:
    return f"multimodal_best_{auc:.4f}.pth"


def save_checkpoint(
    path: Path | str,
    model: MultimodalModel,
    *,
    epoch: int,
    metrics: Mapping[str, float],
    optimizer_state: Mapping[str, Any] | None = None,
    scheduler_state: Mapping[str, Any] | None = None,
    git_commit: str | None = None,
    model_state: Mapping[str, Tensor] | None = None,
    training_state: Mapping[str, Any] | None = None,
) -> None:
    """Everything that training goes on from, as one `.pth` file: the new one whole, or still the one before.

    `model_state` are weights other than the model's own, such as averaged ones; `training_state` is whatever else it
    takes to go on exactly where the run stopped.
    """
    saved = {
        "model_state_dict": dict(model.state_dict() if model_state is None else model_state),
        "config": model.config.model_dump(mode="json"),
        "epoch": epoch,
        "metrics": dict(metrics),
        "optimizer_state_dict": optimizer_state,
        "scheduler_state_dict": scheduler_state,
        "git_commit": git_commit,
        "training_state": training_state,
    }
    with write_whole(Path(path)) as unfinished:
        torch.save(saved, unfinished)


def existing(path: Path) -> Path:
    if not path.is_file():
        raise FileNotFoundError(f"no weights at {path}")
    return path


def load_checkpoint(path: Path | str) -> dict[str, Any]:
    """What `save_checkpoint` wrote; tensors and plain values alone, so a hostile file cannot run code."""
    path = existing(Path(path))
    with path.open("rb") as file:
        try:
            saved = torch.load(file, map_location="cpu", weights_only=True)
        except Exception as error:  # torch has as many for what it cannot read as there are ways to be unreadable
            raise CheckpointUnreadable(path) from error
    if not (isinstance(saved, dict) and {"model_state_dict", "config"} <= saved.keys()):
        raise CheckpointUnreadable(path)
    return saved


def save_for_serving(path: Path | str, model: MultimodalModel, *, half: bool = False) -> None:
    """Weights and configuration in one safetensors file: all that serving needs, and nothing that could run.

    `half` stores every number with a fraction in 16 bits; a model that loads them computes in 32 all the same.
    """
    state = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    if half:
        state = {name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in state.items()}
    save_file(state, path, metadata={"config": json.dumps(model.config.model_dump(mode="json"))})


def read_weights(path: Path | str) -> tuple[ModelConfig, dict[str, Tensor]]:
    """What a safetensors file, a folder with `model.safetensors`, or a `.pth` checkpoint holds."""
    path = Path(path)
    path = existing(path / SERVED_NAME if path.is_dir() else path)
    if path.suffix == ".safetensors":
        try:
            with safe_open(path, framework="pt") as file:
                config = json.loads((file.metadata() or {}).get("config", "null"))
                state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (no mapping)
        except SafetensorError as error:
            raise CheckpointUnreadable(path) from error
    else:
        checkpoint = load_checkpoint(path)
        config, state = checkpoint["config"], checkpoint["model_state_dict"]
    if config is None:
        raise ValueError(f"{path} carries no configuration: it was not written by save_for_serving")
    return ModelConfig.model_validate(config), state
