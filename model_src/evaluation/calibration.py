"""How log-odds become probabilities that can be believed, and how far they can be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from model_src.verdict.calibrate import probability
from model_src.verdict.scores import Calibration

Floats = NDArray[np.float64]
Method = Literal["temperature", "platt"]

BINS = 15
SCALES = (0.02, 50.0)  # a temperature of 50 and of 1/50: beyond, the validation set is no guide
STEPS = 100
PARTS = 5  # of a cross-fit


def fit(labels: ArrayLike, logits: ArrayLike, method: Method = "temperature") -> Calibration:
    """The scale (and, for Platt, the bias) under which the labels are most likely.

    The targets are Platt's: a little off 0 and 1, by as much as the number of videos leaves in doubt. Without that, a
    model that ranks a small set perfectly would be made infinitely sure of itself.
    """
    label, logit = np.asarray(labels, np.float64), np.asarray(logits, np.float64)
    fakes, reals = label.sum(), (1 - label).sum()
    if not fakes or not reals:
        raise ValueError("calibration needs real and fake videos")
    if not np.isfinite(logit).all():
        raise ValueError("a logit is no finite number")
    target = np.where(label > 0, (fakes + 1) / (fakes + 2), 1 / (reals + 2))  # [N]
    columns = [logit] if method == "temperature" else [logit, np.ones_like(logit)]
    scale, bias = _logistic_regression(np.stack(columns, axis=1), target)
    if not SCALES[0] <= scale <= SCALES[1]:  # held at its bound; the bias is then the best for that scale
        scale = float(np.clip(scale, *SCALES))
        bias = 0.0 if method == "temperature" else _best_bias(scale * logit, target)
    return Calibration(method=method, scale=scale, bias=bias)


def with_prior(calibration: Calibration, labels: ArrayLike, prior: float) -> Calibration:
    """The same for a world in which another share of the videos is fake than among those it was fitted on."""
    if calibration.method != "platt":
        raise ValueError("a prior is a bias: it needs Platt's calibration")
    share = float(np.asarray(labels, np.float64).mean())
    shift = np.log(prior / (1 - prior)) - np.log(share / (1 - share))
    return calibration.model_copy(update={"bias": calibration.bias + float(shift)})


def cross_fitted(labels: ArrayLike, logits: ArrayLike, groups: Sequence[str], method: Method = "temperature") -> Floats:
    """Each video's probability of fake by a calibration that has not seen the people in it: [N].

    The groups are dealt to five parts in turn, those with fakes after those without, so that each part has both.
    """
    label, logit, whose = np.asarray(labels, np.float64), np.asarray(logits, np.float64), np.asarray(groups)
    order = sorted(dict.fromkeys(groups), key=lambda name: (label[whose == name].mean(), name))
    part_of = {name: place % PARTS for place, name in enumerate(order)}
    part = np.array([part_of[name] for name in groups])  # [N]
    found = np.empty_like(logit)
    for number in range(PARTS):
        asked = part == number
        if asked.any():
            found[asked] = probabilities(logit[asked], fit(label[~asked], logit[~asked], method))
    return found


def _logistic_regression(columns: Floats, target: Floats) -> tuple[float, float]:
    """Newton's method on columns [N, 1 or 2], with halved steps where a whole one would overshoot."""
    weights = np.zeros(columns.shape[1])
    loss = _loss(columns @ weights, target)
    for _ in range(STEPS):
        p = sigmoid(columns @ weights)  # [N]
        gradient = columns.T @ (p - target)
        curvature = (columns * (p * (1 - p))[:, None]).T @ columns + 1e-12 * np.eye(len(weights))
        step = np.linalg.solve(curvature, gradient)
        while (tried := _loss(columns @ (weights - step), target)) > loss and np.abs(step).max() > 1e-12:
            step = step / 2
        weights, improvement, loss = weights - step, loss - tried, tried
        if improvement < 1e-12:
            break
    return float(weights[0]), float(weights[1]) if len(weights) > 1 else 0.0


def _best_bias(fixed: Floats, target: Floats) -> float:
    low, high = -1e3, 1e3
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if sigmoid(fixed + middle).sum() < target.sum() else (low, middle)
    return (low + high) / 2


def _loss(logit: Floats, target: Floats) -> float:
    return float(np.mean(np.logaddexp(0, logit) - target * logit))


def sigmoid(logit: Floats) -> Floats:
    return np.exp(-np.logaddexp(0, -logit))


def probabilities(logits: ArrayLike, calibration: Calibration) -> Floats:
    """By the verdict's own formula."""
    return np.array([probability(float(logit), calibration) for logit in np.asarray(logits)])


@dataclass(frozen=True)
class Bin:
    """Videos of about the same probability."""

    low: float
    high: float
    count: int
    said: float  # mean probability of fake
    found: float  # share that is fake


def reliability(labels: ArrayLike, probability_of_fake: ArrayLike, bins: int = BINS) -> list[Bin]:
    """Bins of equal width over 0..1; empty ones are left out."""
    label, p = np.asarray(labels, np.float64), np.asarray(probability_of_fake, np.float64)
    place = np.minimum((p * bins).astype(int), bins - 1)
    rows = ((number, place == number) for number in range(bins))
    return [
        Bin(number / bins, (number + 1) / bins, int(inside.sum()), float(p[inside].mean()), float(label[inside].mean()))
        for number, inside in rows
        if inside.any()
    ]


def expected_calibration_error(labels: ArrayLike, probability_of_fake: ArrayLike, bins: int = BINS) -> float:
    """How far, on average over the videos, what was said lies from what was found."""
    found = reliability(labels, probability_of_fake, bins)
    return sum(b.count * abs(b.said - b.found) for b in found) / sum(b.count for b in found)


@dataclass(frozen=True)
class RiskCoverage:
    """Answering only where one is sure: `coverage` of the videos gets an answer, `risk` of those answers is wrong."""

    threshold: Floats  # [N], falling: the least confidence that gets an answer
    coverage: Floats  # [N]
    risk: Floats  # [N]

    def at(self, threshold: float) -> tuple[float, float | None]:
        """Coverage and risk when everything less sure is rejected; no risk where nothing is answered."""
        answered = np.flatnonzero(self.threshold >= threshold)
        return (
            (0.0, None) if len(answered) == 0 else (float(self.coverage[answered[-1]]), float(self.risk[answered[-1]]))
        )


def risk_coverage(labels: ArrayLike, probability_of_fake: ArrayLike) -> RiskCoverage:
    label, p = np.asarray(labels).astype(bool), np.asarray(probability_of_fake, np.float64)
    sure = np.maximum(p, 1 - p)
    order = np.argsort(-sure, kind="stable")
    wrong = ((p > 0.5) != label)[order]
    answered = np.arange(1, len(p) + 1)
    last = np.append(np.diff(sure[order]) != 0, True)  # equally sure videos are answered together
    return RiskCoverage(sure[order][last], (answered / len(p))[last], (np.cumsum(wrong) / answered)[last])
