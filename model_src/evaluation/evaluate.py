"""Everything there is to say about a model on a set of videos, as plain numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model_src.evaluation import aggregation
from model_src.evaluation.aggregation import Aggregator
from model_src.evaluation.calibration import (
    error_by_chance,
    expected_calibration_error,
    probabilities,
    reliability,
    risk_coverage,
)
from model_src.evaluation.metrics import confusion, precision_recall, roc, with_intervals
from model_src.evaluation.score import Scored
from model_src.verdict.calibrate import pick
from model_src.verdict.review import REJECT_BELOW
from model_src.verdict.scores import Calibration

CURVE_POINTS = 400
DISTRIBUTION_BINS = 10
FEW_RESAMPLES = 100  # for windows and frames, of which there are many


class NothingToCompare(ValueError):
    """The scored videos are all real or all fake."""


def evaluate(
    scored: Sequence[Scored],
    missing: Counter[str],
    *,
    aggregators: Sequence[Aggregator] = (),
    resamples: int = 500,
) -> dict[str, Any]:
    """`aggregators` are the learnt ones; those that are not learnt are always there."""
    labels = np.array([entry.video.label for entry in scored])
    if len(set(labels.tolist())) < 2:
        raise NothingToCompare("The scored videos are all of one class; metrics need real and fake ones.")
    groups = np.array([entry.group for entry in scored])
    logits = np.array([entry.scores.logit for entry in scored])
    calibration = scored[0].scores.calibration
    calibrated = probabilities(logits, calibration)

    def judge(chosen: NDArray[np.bool_]) -> dict[str, Any] | None:
        if len(set(labels[chosen].tolist())) < 2:
            return None
        return with_intervals(labels[chosen], logits[chosen], groups[chosen], resamples=resamples)

    sources = np.array([entry.video.source for entry in scored])
    methods = np.array([entry.video.method or "unknown" for entry in scored])
    return {
        "model_version": scored[0].scores.model_version,
        "trained": all(entry.scores.trained for entry in scored),
        "videos": {"scored": len(scored), "real": int((labels == 0).sum()), "fake": int(labels.sum())},
        "left_out": dict(missing),
        "identities": len(set(groups.tolist())),
        "video": {
            name: with_intervals(labels, values, groups, resamples=resamples)
            for name, values in by_aggregation(scored, aggregators).items()
        },
        "window": many(scored, "windows"),
        "frame": many(scored, "frames"),
        "by_modality": {name: _modality(scored, name, resamples) for name in ("video_logit", "audio_logit")},
        "by_source": {name: judge(sources == name) for name in sorted(set(sources.tolist()))},
        # The fakes of one method stand against all reals.
        "by_method": {
            name: judge((methods == name) | (labels == 0)) for name in sorted(set(methods[labels == 1].tolist()))
        },
        "answers": {
            f"{name}, {kind}": answers(calibrated[(sources == name) & (labels == label)])
            for name in sorted(set(sources.tolist()))
            for label, kind in enumerate(("real", "fake"))
            if ((sources == name) & (labels == label)).any()
        },
        "confusion": confusion(labels, logits),
        "calibration": trust(labels, logits, calibration),
        "curves": curves(labels, logits, calibrated),
    }


def by_aggregation(scored: Sequence[Scored], aggregators: Sequence[Aggregator]) -> dict[str, list[float]]:
    videos = [entry.scores for entry in scored]
    found = {kind: [aggregation.fixed(scores, kind) for scores in videos] for kind in aggregation.FIXED}
    return found | {learnt.about.kind: learnt.logits(videos) for learnt in aggregators}


def learn_aggregators(fit_on: Sequence[Scored]) -> list[Aggregator]:
    """Every learnt kind, from videos that are not those to be evaluated."""
    labels = [entry.video.label for entry in fit_on]
    if len(set(labels)) < 2:
        raise NothingToCompare("The videos to learn the aggregations from are all of one class.")
    videos = [entry.scores for entry in fit_on]
    return [aggregation.learn(kind, videos, labels) for kind in aggregation.LEARNT]


def many(scored: Sequence[Scored], part: str) -> dict[str, Any] | None:
    """Every window, or every frame, as if it were a video of its own."""
    rows = [(entry.video.label, one.logit, entry.group) for entry in scored for one in getattr(entry.scores, part)]
    if len({label for label, _, _ in rows}) < 2:
        return None
    labels, logits, groups = (np.array(column) for column in zip(*rows, strict=True))
    return with_intervals(labels, logits, groups, resamples=FEW_RESAMPLES)


def _modality(scored: Sequence[Scored], name: str, resamples: int) -> dict[str, Any] | None:
    known = [entry for entry in scored if getattr(entry.scores, name) is not None]
    if len({entry.video.label for entry in known}) < 2:
        return None
    labels = [entry.video.label for entry in known]
    logits = [getattr(entry.scores, name) for entry in known]
    return with_intervals(labels, logits, [entry.group for entry in known], resamples=resamples)


def answers(calibrated: NDArray) -> dict[str, Any]:
    """Which share of some videos is called real, uncertain and fake."""
    called = Counter(pick(p)[0] for p in calibrated.tolist())
    return {
        "videos": len(calibrated),
        **{name: called[name] / len(calibrated) for name in ("real", "uncertain", "fake")},
    }


def trust(labels: NDArray, logits: NDArray, calibration: Calibration) -> dict[str, Any]:
    """Calibration error without and with the calibration, and what rejecting the unsure costs and gains."""
    before, after = probabilities(logits, Calibration()), probabilities(logits, calibration)
    coverage, risk = risk_coverage(labels, after).at(REJECT_BELOW)
    return {
        "used": calibration.model_dump(),
        "ece_before": expected_calibration_error(labels, before),
        "ece_after": expected_calibration_error(labels, after),
        "ece_by_chance": error_by_chance(after)[0],
        "reject_below": REJECT_BELOW,
        "coverage": coverage,
        "risk": risk,
    }


def curves(labels: NDArray, logits: NDArray, calibrated: NDArray) -> dict[str, Mapping[str, list[float]]]:
    """What the report draws, thinned out where there are very many points."""
    points, recalls, risks = roc(labels, logits), precision_recall(labels, logits), risk_coverage(labels, calibrated)
    bins = reliability(labels, calibrated)
    return {
        "roc": {"x": thin(points.fpr), "y": thin(points.tpr)},
        "precision_recall": {"x": thin(recalls.recall), "y": thin(recalls.precision)},
        "reliability": {"x": [b.said for b in bins], "y": [b.found for b in bins], "count": [b.count for b in bins]},
        "distribution": {"real": counts_of(calibrated[labels == 0]), "fake": counts_of(calibrated[labels == 1])},
        "risk_coverage": {"x": thin(risks.coverage), "y": thin(risks.risk)},
    }


def counts_of(calibrated: NDArray) -> list[float]:
    return np.histogram(calibrated, DISTRIBUTION_BINS, (0, 1))[0].tolist()


def thin(values: NDArray) -> list[float]:
    if len(values) <= CURVE_POINTS:
        return values.tolist()
    return values[np.linspace(0, len(values) - 1, CURVE_POINTS).round().astype(int)].tolist()


def rows_of(scored: Sequence[Scored]) -> list[dict[str, Any]]:
    """One line per video, for a table."""
    return [
        {
            "video_id": entry.video.video_id,
            "label": entry.video.label,
            "source": entry.video.source,
            "method": entry.video.method,
            "group": entry.group,
            "logit": entry.scores.logit,
            "fake": float(probabilities([entry.scores.logit], entry.scores.calibration)[0]),
            "video_logit": entry.scores.video_logit,
            "audio_logit": entry.scores.audio_logit,
            "lip_sync": entry.scores.lip_sync,
            "windows": len(entry.scores.windows),
        }
        for entry in scored
    ]
