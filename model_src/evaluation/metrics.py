"""The numbers a detector is judged by. A score is the log-odds or the probability of fake; a label is 1 for fake."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from model_src.training.ranking import roc_auc

THRESHOLD = 0.0  # log-odds above it are called fake
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Roc:
    """Every operating point, from nobody accused to everybody."""

    fpr: Floats  # [P], share of reals called fake
    tpr: Floats  # [P], share of fakes found
    thresholds: Floats  # [P], falling; the first is infinite


@dataclass(frozen=True)
class PrecisionRecall:
    precision: Floats  # [P]
    recall: Floats  # [P], rising


def _counts(labels: ArrayLike, scores: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """At each distinct score, from the highest down: fakes at or above it, reals at or above it, the score."""
    label, score = np.asarray(labels).astype(bool), np.asarray(scores, np.float64)
    if label.shape != score.shape or label.ndim != 1:
        raise ValueError(f"one label per score is wanted, not {label.shape} and {score.shape}")
    order = np.argsort(-score, kind="stable")
    label, score = label[order], score[order]
    last = np.append(np.flatnonzero(np.diff(score)), len(score) - 1)  # of equal scores
    fakes = np.cumsum(label)[last].astype(np.float64)
    return fakes, last + 1 - fakes, score[last]


def roc(labels: ArrayLike, scores: ArrayLike) -> Roc:
    fakes, reals, thresholds = _counts(labels, scores)
    if fakes[-1] == 0 or reals[-1] == 0:
        raise ValueError("a ROC curve needs real and fake videos")
    return Roc(
        np.concatenate([[0.0], reals / reals[-1]]),
        np.concatenate([[0.0], fakes / fakes[-1]]),
        np.concatenate([[np.inf], thresholds]),
    )


def precision_recall(labels: ArrayLike, scores: ArrayLike) -> PrecisionRecall:
    fakes, reals, _ = _counts(labels, scores)
    if fakes[-1] == 0:
        raise ValueError("recall needs at least one fake video")
    return PrecisionRecall(fakes / (fakes + reals), fakes / fakes[-1])


def average_precision(labels: ArrayLike, scores: ArrayLike) -> float:
    curve = precision_recall(labels, scores)
    return float(np.sum(np.diff(curve.recall, prepend=0.0) * curve.precision))


def equal_error_rate(curve: Roc) -> float:
    """Where as many fakes are missed as reals accused, between the two operating points around it."""
    missed = 1 - curve.tpr  # [P], falling
    after = int(np.argmax(curve.fpr >= missed))
    before = max(after - 1, 0)
    gap_before, gap_after = missed[before] - curve.fpr[before], missed[after] - curve.fpr[after]
    share = 0.0 if gap_before == gap_after else gap_before / (gap_before - gap_after)
    return float(curve.fpr[before] + share * (curve.fpr[after] - curve.fpr[before]))


def fpr_at_tpr(curve: Roc, tpr: float) -> float:
    """The fewest reals accused while at least that share of the fakes is found."""
    return float(curve.fpr[curve.tpr >= tpr].min())


def tpr_at_fpr(curve: Roc, fpr: float) -> float:
    """The most fakes found while at most that share of the reals is accused."""
    return float(curve.tpr[curve.fpr <= fpr].max())


def confusion(labels: ArrayLike, logits: ArrayLike) -> dict[str, int]:
    label, called = np.asarray(labels).astype(bool), np.asarray(logits) > THRESHOLD
    return {
        "true_fake": int((label & called).sum()),
        "false_fake": int((~label & called).sum()),
        "true_real": int((~label & ~called).sum()),
        "false_real": int((label & ~called).sum()),
    }


def decisions(labels: ArrayLike, logits: ArrayLike) -> dict[str, float]:
    """Accuracy, precision, recall and F1 of calling fake what lies above the threshold; 0 where nothing was called."""
    found = confusion(labels, logits)
    right, called = found["true_fake"], found["true_fake"] + found["false_fake"]
    there = found["true_fake"] + found["false_real"]
    return {
        "accuracy": (right + found["true_real"]) / max(sum(found.values()), 1),
        "precision": right / called if called else 0.0,
        "recall": right / there if there else 0.0,
        "f1": 2 * right / (called + there) if called + there else 0.0,
    }


def all_metrics(labels: ArrayLike, logits: ArrayLike) -> dict[str, float]:
    """Everything at once."""
    curve = roc(labels, logits)
    return {
        "auc": roc_auc(labels, logits),
        "ap": average_precision(labels, logits),
        **decisions(labels, logits),
        "eer": equal_error_rate(curve),
        "fpr_at_95_tpr": fpr_at_tpr(curve, 0.95),
        "tpr_at_1_fpr": tpr_at_fpr(curve, 0.01),
        "tpr_at_5_fpr": tpr_at_fpr(curve, 0.05),
    }


def with_intervals(
    labels: ArrayLike, logits: ArrayLike, groups: ArrayLike, *, resamples: int = 500
) -> dict[str, dict[str, Any]]:
    """Every metric with its 95 % bootstrap interval, drawing whole groups (identities) rather than videos.

    Videos of one person are alike: drawn one by one they would make the interval look narrower than it is. A draw of
    one class alone says nothing and is left out; where no draw is left, the interval is None.
    """
    label, logit = np.asarray(labels), np.asarray(logits, np.float64)
    values = all_metrics(label, logit)
    draws: dict[str, list[float]] = {name: [] for name in values}
    for rows in draws_of_groups(label, groups, resamples):
        for name, value in all_metrics(label[rows], logit[rows]).items():
            draws[name].append(value)
    return {name: {"value": value, "interval": middle(draws[name])} for name, value in values.items()}


def middle(draws: Sequence[float]) -> list[float] | None:
    """Where 95 % of the draws lie: its two ends; None where no draw held both classes."""
    ends: list[float] | None = np.percentile(draws, [2.5, 97.5]).tolist() if draws else None
    return ends


def draws_of_groups(
    labels: NDArray[Any], groups: ArrayLike, resamples: int, seed: int = 0
) -> Iterator[NDArray[np.intp]]:
    """Rows of each bootstrap draw that holds both classes. The same groups and seed give the same draws."""
    names, place = np.unique(np.asarray(groups), return_inverse=True)
    members = [np.flatnonzero(place == group) for group in range(len(names))]
    generator = np.random.default_rng(seed)
    for _ in range(resamples if len(names) > 1 else 0):
        rows = np.concatenate([members[group] for group in generator.integers(len(names), size=len(names))])
        if 0 < labels[rows].sum() < len(rows):
            yield rows
