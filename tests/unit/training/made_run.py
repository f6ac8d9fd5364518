"""Runs small enough for a test: a tiny model on made windows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from model_src.config import ModelConfig
from model_src.data.dataset import WindowDataset
from model_src.models import build
from model_src.training.processes import Team
from model_src.training.settings import TrainSettings, load_settings
from model_src.training.trainer import Trainer
from tests.unit.data.made_windows import MadeSource, made_videos
from tests.unit.models.tiny import tiny_config


def learner(**changes: Any) -> ModelConfig:
    """Group instead of batch normalisation: what one window gives does not depend on the others."""
    return tiny_config(**({"video": {"backbone": "test_efficientnet_gn", "frame_size": 224}} | changes))


def watcher(**changes: Any) -> ModelConfig:
    """Compares frames, and all but its last layer is frozen."""
    video = {"backbone": "test_efficientnet", "pooling": "regions", "region_stages": 1, "frozen_stages": "all"}
    plain: dict[str, Any] = {
        "name": "tiny", "enable_audio": False, "video": video, "temporal": {"kind": "change"},
        "heads": {"hidden_dim": None, "dropout": 0.0},
    }  # fmt: skip
    return ModelConfig.model_validate(plain | changes)


def settings(folder: Path, **changes: Any) -> TrainSettings:
    plain = {
        "batch_size": 4,
        "num_workers": 0,
        "device": "cpu",
        "optimizer.learning_rate": 2e-3,
        "stop.epochs": 2,
        "keep.folder": folder,
        "log.tensorboard": False,
    }
    return load_settings(None, **(plain | changes))


def trainer(
    chosen: TrainSettings, *, model: ModelConfig | None = None, source: MadeSource | None = None, count: int = 12,
    team: Team | None = None,
) -> Trainer:  # fmt: skip
    source = source or MadeSource()
    learn = WindowDataset(made_videos(count), source, seed=chosen.seed)
    check = WindowDataset(made_videos(6, "val"), source, sampling="uniform")
    return Trainer(chosen, build(model or learner(), pretrained=False, seed=chosen.seed), learn, check, team)
