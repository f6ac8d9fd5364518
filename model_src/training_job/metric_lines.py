"""The lines on stdout that SageMaker reads a job's metrics from, and the patterns that it reads them by.

    epoch=3 train:loss=0.412345 validation:loss=0.50112 validation:auc=0.91234

Both are made from the one table below: a line that no pattern finds cannot be written.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping

# What SageMaker calls it -> what the trainer calls it at the end of an epoch, or when it has solved.
METRICS = {
    "train:loss": "train_total",
    "train:samples_per_second": "samples_per_second",
    "train:waiting_share": "waiting_share",
    "train:learning_rate": "learning_rate",
    "validation:loss": "val_loss",
    "validation:auc": "auc",
    "validation:auc_windows": "auc_windows",
}
NUMBER = r"([-+]?[0-9.]+(?:e[-+]?[0-9]+)?)"


def definitions() -> list[dict[str, str]]:
    """As CreateTrainingJob takes them."""
    return [{"Name": name, "Regex": rf"{name}={NUMBER}"} for name in METRICS]


def line(epoch: int, numbers: Mapping[str, float]) -> str | None:
    """None where the numbers are not those of an epoch. What is no number has nothing to plot and is left out."""
    told = {name.partition("/")[2]: value for name, value in numbers.items() if name.startswith(("epoch/", "solve/"))}
    found = {name: told[ours] for name, ours in METRICS.items() if math.isfinite(told.get(ours, math.nan))}
    parts = [f"epoch={epoch}", *(f"{name}={value:.6g}" for name, value in found.items())]
    return " ".join(parts) if found else None


def say(epoch: int, numbers: Mapping[str, float]) -> None:
    """A listener of the journal. Flushed: a line in a buffer is lost with the machine."""
    text = line(epoch, numbers)
    if text is not None:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
