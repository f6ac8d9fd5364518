"""The area under the ROC curve: how often a fake is ranked above a real."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def roc_auc(labels: ArrayLike, scores: ArrayLike) -> float:
    """Labels 0 and 1 [N], scores [N] -> 0..1; a tie counts half. NaN where only one class is there."""
    label, score = np.asarray(labels).astype(bool), np.asarray(scores, np.float64)
    fakes, reals = int(label.sum()), int((~label).sum())
    if not fakes or not reals:
        return float("nan")
    _, place, count = np.unique(score, return_inverse=True, return_counts=True)
    last = np.cumsum(count)  # rank of the last of equal scores
    rank = (last - (count - 1) / 2)[place]  # [N], the mean rank of equals
    return float((rank[label].sum() - fakes * (fakes + 1) / 2) / (fakes * reals))


def video_means(video_ids: list[str], labels: ArrayLike, scores: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Windows [N] of videos -> per video its label and mean score [V], in the order of the ids."""
    names, place = np.unique(np.asarray(video_ids), return_inverse=True)
    label = np.zeros(len(names), np.int64)
    label[place] = np.asarray(labels)
    return label, group_means(video_ids, scores)


def group_means(names: ArrayLike, values: ArrayLike) -> np.ndarray:
    """Values [N], each under a name -> the mean of every name [G], in the order of the names."""
    _, place, count = np.unique(np.asarray(names), return_inverse=True, return_counts=True)
    return np.bincount(place, np.asarray(values, np.float64)) / count
