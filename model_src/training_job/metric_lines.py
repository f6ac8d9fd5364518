"""The lines on stdout that SageMaker reads a job's metrics from, and the patterns that it reads them by.

    epoch=3 train:loss=0.412345 validation:loss=0.50112 validation:auc=0.91234
    test:videos=120 test:auc=0.9312 … in_service:auc=0.9104 in_service:difference=0.0208 …

Both are made from the two tables below: a line that no pattern finds cannot be written.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

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
# Told once, at the end: the new model on the test videos, and beside it the one in service.
JUDGED: dict[str, Callable[[Mapping[str, Any]], float | None]] = {
    "test:videos": lambda results: results["videos"]["scored"],
    "test:auc": lambda results: results["video"]["mean"]["auc"]["value"],
    "test:auc_low": lambda results: end(results["video"]["mean"]["auc"]["interval"], 0),
    "test:auc_high": lambda results: end(results["video"]["mean"]["auc"]["interval"], 1),
    "in_service:videos": lambda results: other(results).get("videos"),
    "in_service:auc": lambda results: other(results).get("auc"),
    "in_service:difference": lambda results: other(results).get("difference"),
    "in_service:difference_low": lambda results: end(other(results).get("interval"), 0),
    "in_service:difference_high": lambda results: end(other(results).get("interval"), 1),
}
NUMBER = r"([-+]?[0-9.]+(?:e[-+]?[0-9]+)?)"


def definitions() -> list[dict[str, str]]:
    """As CreateTrainingJob takes them."""
    return [{"Name": name, "Regex": rf"{name}={NUMBER}"} for name in (*METRICS, *JUDGED)]


def line(epoch: int, numbers: Mapping[str, float]) -> str | None:
    """None where the numbers are not those of an epoch. What is no number has nothing to plot and is left out."""
    told = {name.partition("/")[2]: value for name, value in numbers.items() if name.startswith(("epoch/", "solve/"))}
    found = named({name: told.get(ours) for name, ours in METRICS.items()})
    return f"epoch={epoch} {found}" if found else None


def line_of_judged(results: Mapping[str, Any]) -> str:
    """`results` as evaluate() gives them."""
    return named({name: find(results) for name, find in JUDGED.items()})


def named(values: Mapping[str, float | None]) -> str:
    found = {name: value for name, value in values.items() if value is not None and math.isfinite(value)}
    return " ".join(f"{name}={value:.6g}" for name, value in found.items())


def other(results: Mapping[str, Any]) -> Mapping[str, Any]:
    """What is known of the model in service: nothing, where there is none or it could not be judged."""
    return results.get("in_service") or {}


def end(interval: Sequence[float] | None, side: int) -> float | None:
    return None if interval is None else interval[side]


def say(epoch: int, numbers: Mapping[str, float]) -> None:
    """A listener of the journal."""
    text = line(epoch, numbers)
    if text is not None:
        write(text)


def say_judged(results: Mapping[str, Any]) -> None:
    write(line_of_judged(results))


def write(text: str) -> None:
    """Flushed: a line in a buffer is lost with the machine."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
