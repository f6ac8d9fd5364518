"""How log-odds become probabilities that can be believed, and how far they can be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from model_src.training.logistic import Floats, logistic_regression, sigmoid
from model_src.training.ranking import roc_auc
from model_src.verdict.calibrate import probability
from model_src.verdict.scores import Calibration

Method = Literal["temperature", "platt"]

BINS = 15
SCALES = (0.02, 50.0)  # a temperature of 50 and of 1/50: beyond, the validation set is no guide
STEPS = 100  # of a search by halves
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
    weights = logistic_regression(np.stack(columns, axis=1), target)
    scale, bias = float(weights[0]), float(weights[1]) if method == "platt" else 0.0
    if not SCALES[0] <= scale <= SCALES[1]:  # held at its bound; the bias is then the best for that scale
        scale = float(np.clip(scale, *SCALES))
        bias = 0.0 if method == "temperature" else _best_bias(scale * logit, target)
    return Calibration(method=method, scale=scale, bias=bias)


def warning_of(calibration: Calibration, labels: ArrayLike, logits: ArrayLike) -> str | None:
    """A fit that ends at a bound has found no probabilities that could be believed."""
    if calibration.scale not in SCALES:
        return None
    return (
        f"the calibration is not to be believed: its scale is held at its bound of {calibration.scale:g}. "
        f"A fake scores above a real with a chance of {roc_auc(labels, logits):.2f}; under 0.5, the model says the "
        "opposite of what is true"
    )


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


def _best_bias(fixed: Floats, target: Floats) -> float:
    low, high = -1e3, 1e3
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if sigmoid(fixed + middle).sum() < target.sum() else (low, middle)
    return (low + high) / 2


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


def reliability(labels: ArrayLike, probability_of_fake: ArrayLike) -> list[Bin]:
    """Bins of equal width over 0..1; empty ones are left out."""
    label, p = np.asarray(labels, np.float64), np.asarray(probability_of_fake, np.float64)
    place = np.minimum((p * BINS).astype(int), BINS - 1)
    rows = ((number, place == number) for number in range(BINS))
    return [
        Bin(number / BINS, (number + 1) / BINS, int(inside.sum()), float(p[inside].mean()), float(label[inside].mean()))
        for number, inside in rows
        if inside.any()
    ]


def expected_calibration_error(labels: ArrayLike, probability_of_fake: ArrayLike) -> float:
    """How far, on average over the videos, what was said lies from what was found."""
    found = reliability(labels, probability_of_fake)
    return sum(b.count * abs(b.said - b.found) for b in found) / sum(b.count for b in found)


def error_by_chance(probability_of_fake: ArrayLike, draws: int = 1000) -> tuple[float, float]:
    """What probabilities that are right would show as calibration error on so few videos: the mean, and 95 % are below.

    The labels are drawn as the probabilities say. An error of no more than that is no sign of a bad calibration.
    """
    p, generator = np.asarray(probability_of_fake, np.float64), np.random.default_rng(0)
    errors = [expected_calibration_error(generator.random(len(p)) < p, p) for _ in range(draws)]
    return float(np.mean(errors)), float(np.quantile(errors, 0.95))


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
