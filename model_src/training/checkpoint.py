"""A run on disk: the contract's checkpoint, and beside its fields what it takes to go on exactly where it stopped."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from model_src.config.schema import ModelConfig

LATEST = "multimodal_latest.pth"
COMMIT_VARIABLE = "AURA_GIT_COMMIT"  # an image carries no repository; its build says what it was made from


def git_commit() -> str | None:
    """What the code was when the run began; None where nobody can tell."""
    if os.environ.get(COMMIT_VARIABLE):
        return os.environ[COMMIT_VARIABLE]
    try:
        found = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=Path(__file__).parent, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return found.stdout.strip()


def save(
    path: Path,
    config: ModelConfig,
    model_state: Mapping[str, Tensor],
    *,
    epoch: int,
    metrics: Mapping[str, float],
    optimizer_state: Mapping[str, Any],
    scheduler_state: Mapping[str, Any],
    training_state: Mapping[str, Any],
    commit: str | None,
) -> None:
    """In one step: a run that dies while it writes leaves the checkpoint before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    torch.save(
        {
            "model_state_dict": dict(model_state),
            "config": config.model_dump(mode="json"),
            "epoch": epoch,
            "metrics": dict(metrics),
            "optimizer_state_dict": optimizer_state,
            "scheduler_state_dict": scheduler_state,
            "git_commit": commit,
            "training_state": training_state,
        },
        unfinished,
    )
    unfinished.replace(path)
