"""One process of several, as torchrun starts it: trains the made run and lets the first process write the weights."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import torch

from model_src.training.processes import join_team
from model_src.training.trainer import Trainer
from tests.unit.models.tiny import HEARING
from tests.unit.training.made_run import learner, settings, trainer

# What is random in each process for itself would make them differ, as it should: here it is off.
CALM: dict[str, Any] = {
    "heads": {"dropout": 0.0},
    "fusion": {"modality_dropout": 0.0},
    "audio": {
        "architecture": HEARING
        | {"hidden_dropout": 0.0, "attention_dropout": 0.0, "feat_proj_dropout": 0.0, "activation_dropout": 0.0}
    },
}


def calm_run(folder: Path) -> Trainer:
    torch.set_num_threads(1)
    with join_team("cpu") as team:
        run = trainer(
            settings(folder, **{"stop.epochs": 1, "optimizer.learning_rate": 1e-4}), model=learner(**CALM), team=team
        )
        run.fit()
        return run


if __name__ == "__main__":
    calm_run(Path(sys.argv[1]))
