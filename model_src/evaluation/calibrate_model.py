"""Calibrate a model on scored videos, and say how far its probabilities are then to be believed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from model_src.evaluation.calibration import (
    Method,
    cross_fitted,
    error_by_chance,
    expected_calibration_error,
    fit,
    probabilities,
    warning_of,
    with_prior,
)
from model_src.evaluation.score import Scored
from model_src.verdict.scores import Calibration


@dataclass(frozen=True)
class Calibrated:
    """A calibration, and the calibration errors on the videos that it was fitted on."""

    calibration: Calibration
    warning: str | None
    error_before: float
    error_after: float
    error_apart: float | None  # on people left out of the fit; None: without some, the others are of one class
    error_by_chance: tuple[float, float]  # were every probability right: usual, and one time in twenty


def calibrate_model(scored: Sequence[Scored], method: Method = "temperature", prior: float | None = None) -> Calibrated:
    """`prior` is the share of fakes where the model will be used."""
    labels, logits = [entry.video.label for entry in scored], [entry.scores.logit for entry in scored]
    calibration = fit(labels, logits, method)
    if prior is not None:
        calibration = with_prior(calibration, labels, prior)
    before, after = probabilities(logits, Calibration()), probabilities(logits, calibration)
    try:
        apart = cross_fitted(labels, logits, [entry.group for entry in scored], method)
    except ValueError:
        apart = None
    return Calibrated(
        calibration,
        warning_of(calibration, labels, logits),
        expected_calibration_error(labels, before),
        expected_calibration_error(labels, after),
        None if apart is None else expected_calibration_error(labels, apart),
        error_by_chance(after if apart is None else apart),
    )
