"""How good, and how much better or worse than another: the AUC with intervals from a bootstrap over identities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from model_src.evaluation.difference import RESAMPLES, difference_in_auc
from model_src.evaluation.metrics import draws_of_groups, middle
from model_src.studies.video_score import VideoScore
from model_src.training.ranking import roc_auc

Interval = tuple[float, float]


class Judgement(BaseModel):
    """None where there is nothing to say: a single class, a single group of people, or nobody to compare with."""

    model_config = ConfigDict(frozen=True)

    videos: int
    auc: float | None = None
    interval: Interval | None = Field(None, description="95 %")
    difference: float | None = Field(None, description="of the AUC to that of the baseline, on the videos both scored")
    difference_interval: Interval | None = Field(None, description="95 %, paired")

    @property
    def differs(self) -> bool:
        """Does the interval of the difference leave out zero?"""
        span = self.difference_interval
        return span is not None and (span[0] > 0 or span[1] < 0)


def judge(
    scores: Sequence[VideoScore], baseline: Sequence[VideoScore] = (), *, resamples: int = RESAMPLES, seed: int = 0
) -> Judgement:
    found: dict[str, Any] = {"videos": len(scores)}
    labels, logits, groups = columns(scores)
    if not 0 < labels.sum() < len(labels):
        return Judgement(**found)
    draws = [roc_auc(labels[rows], logits[rows]) for rows in draws_of_groups(labels, groups, resamples, seed)]
    found |= {"auc": roc_auc(labels, logits), "interval": middle(draws)}
    known = {score.video_id: score.logit for score in baseline}
    both = [score for score in scores if score.video_id in known]
    labels, after, groups = columns(both)
    if 0 < labels.sum() < len(labels):
        before = np.array([known[score.video_id] for score in both])
        difference, between = difference_in_auc(labels, after, before, groups, resamples=resamples, seed=seed)
        found |= {"difference": difference, "difference_interval": between}
    return Judgement(**found)


def columns(scores: Sequence[VideoScore]) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.str_]]:
    """Labels, log-odds and groups [N]."""
    labels = np.array([score.label for score in scores], np.int64)
    return labels, np.array([score.logit for score in scores]), np.array([score.group for score in scores], np.str_)
