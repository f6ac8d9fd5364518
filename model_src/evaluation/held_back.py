"""What the calibrated model would have told the people who were left out of the learning in turn."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np

from model_src.evaluation.calibration import probabilities
from model_src.evaluation.evaluate import answers
from model_src.verdict.scores import Calibration


def said_of_held_back(scores: Path, calibration: Calibration) -> dict[str, dict[str, Any]]:
    """Real videos, and the fakes that were made of them: from the list that `aura train` writes when it solves."""
    with scores.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    label = np.array([int(row["label"]) for row in rows])
    calibrated = probabilities([float(row["log_odds"]) for row in rows], calibration)
    return {kind: answers(calibrated[label == number]) for number, kind in enumerate(("real", "fake"))}
