"""Calibrate a model on scored videos, and say how far its probabilities are then to be believed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

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
from model_src.training.logistic import Floats
from model_src.verdict.scores import Calibration


@dataclass(frozen=True)
class Calibrated:
    """A calibration and what it was fitted on; its errors are worked out where they are asked for."""

    calibration: Calibration
    method: Method
    labels: Sequence[int]
    logits: list[float]
    groups: list[str]

    @property
    def warning(self) -> str | None:
        return warning_of(self.calibration, self.labels, self.logits)

    @property
    def error_before(self) -> float:
        return expected_calibration_error(self.labels, probabilities(self.logits, Calibration()))

    @property
    def error_after(self) -> float:
        return expected_calibration_error(self.labels, self._fitted)

    @property
    def error_apart(self) -> float | None:
        """On people left out of the fit; None: without some, the others are of one class."""
        return None if self._apart is None else expected_calibration_error(self.labels, self._apart)

    @property
    def error_by_chance(self) -> tuple[float, float]:
        """Were every probability right: usual, and one time in twenty."""
        return error_by_chance(self._fitted if self._apart is None else self._apart)

    @cached_property
    def _fitted(self) -> Floats:
        return probabilities(self.logits, self.calibration)

    @cached_property
    def _apart(self) -> Floats | None:
        try:
            return cross_fitted(self.labels, self.logits, self.groups, self.method)
        except ValueError:
            return None


def calibrate_model(scored: Sequence[Scored], method: Method = "temperature", prior: float | None = None) -> Calibrated:
    """`prior` is the share of fakes where the model will be used."""
    labels, logits = [entry.video.label for entry in scored], [entry.scores.logit for entry in scored]
    calibration = fit(labels, logits, method)
    if prior is not None:
        calibration = with_prior(calibration, labels, prior)
    return Calibrated(calibration, method, labels, logits, [entry.group for entry in scored])
