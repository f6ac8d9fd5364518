"""Logistic regression by Newton's method: few columns, one best answer, the same every time."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

STEPS = 100
CLOSE = 1e-12  # an improvement of the loss that is none


def logistic_regression(columns: Floats, target: Floats, ridge: ArrayLike = 0.0) -> Floats:
    """Columns [N, C] and targets [N] in 0..1 -> the weights [C] under which the targets are most likely.

    `ridge`, one for all columns or one for each, pulls the weights towards zero: the loss is the mean over the rows
    plus half the ridge times the squared weights. A step that overshoots is halved.
    """
    held = np.broadcast_to(np.asarray(ridge, np.float64), columns.shape[1:])  # [C]
    weights = np.zeros(columns.shape[1])

    def loss_of(tried: Floats) -> float:
        return float(log_losses(columns @ tried, target).mean()) + float(held @ tried**2) / 2

    loss = loss_of(weights)
    for _ in range(STEPS):
        p = sigmoid(columns @ weights)  # [N]
        gradient = columns.T @ (p - target) / len(target) + held * weights
        curvature = (columns * (p * (1 - p))[:, None]).T @ columns / len(target)
        step = np.linalg.solve(curvature + np.diag(held + CLOSE), gradient)
        while (tried := loss_of(weights - step)) > loss and np.abs(step).max() > CLOSE:
            step = step / 2
        weights, improvement, loss = weights - step, loss - tried, tried
        if improvement < CLOSE:
            break
    return weights


def log_losses(logit: Floats, target: Floats) -> Floats:
    """[N], [N] -> [N]; targets may lie between 0 and 1."""
    return np.logaddexp(0, logit) - target * logit


def sigmoid(logit: Floats) -> Floats:
    return np.exp(-np.logaddexp(0, -logit))
