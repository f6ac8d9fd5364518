"""Which windows a video has, and which frames of the sampling grid belong to each.

Window i covers [i / 2, i / 2 + 1) seconds: one second long, half overlapping, two for every second of video. All
arithmetic is on exact fractions, so a window never gains or loses a frame to rounding.
"""

from __future__ import annotations

import math
from fractions import Fraction

LENGTH = Fraction(1)
STEP = Fraction(1, 2)

# Containers round times to milliseconds: an excess this small at the end of a video is rounding and no new frame.
ROUNDING = Fraction(1, 500)


def grid_size(duration: Fraction, rate: Fraction) -> int:
    """How many times k / rate lie within the video."""
    return max(math.ceil((duration - ROUNDING) * rate), 1)


def window_count(duration: Fraction) -> int:
    return max(math.ceil((duration - ROUNDING) / STEP), 1)


def window_start(index: int) -> Fraction:
    return index * STEP


def window_size(rate: Fraction) -> int:
    """T: how many grid frames one window holds."""
    return math.ceil(LENGTH * rate)


def first_frame(index: int, rate: Fraction) -> int:
    """The first grid frame at or after the start of the window."""
    return math.ceil(window_start(index) * rate)


def is_partial(index: int, duration: Fraction) -> bool:
    return window_start(index) + LENGTH > duration + ROUNDING
