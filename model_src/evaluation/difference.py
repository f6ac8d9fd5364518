"""How much better or worse one model is than another, with an interval from a bootstrap over identities.

Both are judged on the same videos and the same draws: what is hard about a draw is hard for both, so their difference
is known far better than either of the two values.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from model_src.evaluation.metrics import draws_of_groups, middle
from model_src.training.ranking import roc_auc

RESAMPLES = 500


def difference_in_auc(
    labels: NDArray[np.int64],
    after: NDArray[np.float64],
    before: NDArray[np.float64],
    groups: ArrayLike,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> tuple[float, list[float] | None]:
    """The AUC of `after` minus that of `before`, and where 95 % of the paired draws see it. All are [N]."""
    draws = [
        roc_auc(labels[rows], after[rows]) - roc_auc(labels[rows], before[rows])
        for rows in draws_of_groups(labels, groups, resamples, seed)
    ]
    return roc_auc(labels, after) - roc_auc(labels, before), middle(draws)


def in_words(other: Mapping[str, Any]) -> str:
    """`other`: what a training job found out about the model in service."""
    between = other["interval"]
    return (
        f"The model in service, {other['model_version']}, has an AUC of {other['auc']:.3f} on {other['videos']} of "
        f"these videos. This one's is {abs(other['difference']):.3f} {'lower' if other['difference'] < 0 else 'higher'}"
        + (f" (difference: {between[0]:+.3f} to {between[1]:+.3f})." if between else ".")
    )
