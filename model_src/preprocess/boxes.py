"""Boxes of face candidates: [N, 5] x0, y0, x1, y1, score."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float32]


def shifted(boxes: Boxes, shifts: NDArray, inclusive: bool = True) -> Boxes:
    """Boxes moved by the corrections a network gave, in shares of their size."""
    sides = np.tile(boxes[:, 2:4] - boxes[:, :2] + np.float32(inclusive), 2)  # [N, 4]
    return np.concatenate([boxes[:, :4] + shifts * sides, boxes[:, 4:]], 1)


def squared(boxes: Boxes) -> Boxes:
    """The square around each box's centre whose side is the longer one."""
    sides = boxes[:, 2:4] - boxes[:, :2]
    longest = np.maximum(sides[:, :1], sides[:, 1:])
    low = boxes[:, :2] + sides / 2 - longest / 2
    return np.concatenate([low, low + longest, boxes[:, 4:]], 1)


def apart(boxes: Boxes, most_overlap: float, of_smaller: bool = False) -> NDArray[np.intp]:
    """Places of the boxes to keep, best first: none overlaps a better one by more than `most_overlap`."""
    x0, y0, x1, y1, scores = boxes[:, :5].T
    areas = (x1 - x0 + 1) * (y1 - y0 + 1)
    order = np.argsort(-scores, kind="stable")
    kept = []
    while len(order):
        best, rest = order[0], order[1:]
        kept.append(best)
        across = np.maximum(0, np.minimum(x1[best], x1[rest]) - np.maximum(x0[best], x0[rest]) + 1)
        down = np.maximum(0, np.minimum(y1[best], y1[rest]) - np.maximum(y0[best], y0[rest]) + 1)
        shared = across * down
        whole = np.minimum(areas[best], areas[rest]) if of_smaller else areas[best] + areas[rest] - shared
        order = rest[shared / np.maximum(whole, 1e-6) <= most_overlap]
    return np.array(kept, np.intp)
