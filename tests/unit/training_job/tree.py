"""A made /opt/ml, laid out as SageMaker does it before it starts a training container."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.house import HOUSE
from tests.unit.training.made_run import learner

TINY = {
    "model": json.dumps(learner().model_dump(mode="json")),
    "pretrained": "false",
    "batch_size": "2",
    "num_workers": "0",
    "device": "cpu",
    "amp": "off",
    "stop.epochs": "2",
    "keep.every_epochs": "9",
    "stop.patience": "null",
    "data.windows_per_video": "4",
    "data.validation_windows": "1",
    "log.tensorboard": "false",
    "_tuning_objective_metric": "validation:auc",  # put there by a tuning job; nothing of ours
}


def lay_out(root: Path, videos: Path, **hyperparameters: str) -> Path:
    """The videos are where the channel `training` lies."""
    data = root / "input" / "data"
    data.mkdir(parents=True)
    (data / "training").symlink_to(videos)
    tell(root, "hyperparameters", TINY | hyperparameters)
    tell(root, "inputdataconfig", {"training": {"TrainingInputMode": "File", "S3DistributionType": "FullyReplicated"}})
    tell(root, "resourceconfig", {"current_host": "algo-1", "hosts": ["algo-1"], "network_interface_name": "eth0"})
    return root


def tell(root: Path, name: str, content: Any) -> None:
    path = root / "input" / "config" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def start(root: Path, **environment: str) -> subprocess.Popen[str]:
    """The container's own command. One thread, as sums of several come in another order each time."""
    return subprocess.Popen(
        [sys.executable, "-m", "model_src.training_job", "train", "--root", str(root)],
        cwd=HOUSE,
        env=os.environ | {"OMP_NUM_THREADS": "1", "TRAINING_JOB_NAME": "aura-2026-11"} | environment,
        stdout=subprocess.PIPE,
        stderr=(root / "log.txt").open("w"),
        text=True,
    )
