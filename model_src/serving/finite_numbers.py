"""Numbers as an answer holds them: fetched from the device, rounded, and never infinite or none."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from model_src.serving.errors import InferenceFailed

DIGITS = 6

Numbers = NDArray[np.float64]


def numbers(values: Tensor) -> Numbers:
    return fetched(values, DIGITS)


def fetched(values: Tensor, digits: int) -> Numbers:
    """From the device, as exact as an answer says them."""
    return values.double().cpu().numpy().round(digits)


def told(values: Numbers) -> list[Any]:
    """As the answer holds them. Infinity and NaN are a failure, never an answer."""
    if not np.isfinite(values).all():
        raise InferenceFailed("The model gave a number that is none.")
    return values.tolist()


def present(values: Numbers | None, there: NDArray[np.bool_], span: slice) -> list[float | None]:
    """None for a window that lacks it."""
    if values is None:
        return [None] * len(there[span])
    return [value if has else None for value, has in zip(told(values[span]), there[span].tolist(), strict=True)]
