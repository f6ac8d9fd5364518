"""Until when a step may read a video: its function is stopped without a word, and the last words need time."""

from __future__ import annotations

import time
from typing import Any

from functions.core.transient import Transient

LAST_WORDS = 30.0  # seconds to store what was found and to answer, with an S3 that has to be asked again
ENOUGH = 60.0  # for any ordinary video; who has less has waited for something else, and must not blame the video


def reading_ends(context: Any) -> float:
    """On the clock of time.monotonic, from what Lambda says is left of the function's own time limit."""
    left = context.get_remaining_time_in_millis() / 1000 - LAST_WORDS
    if left < ENOUGH:
        raise Transient(f"only {left:.0f} s are left to read the video: fetching it took too long")
    return time.monotonic() + left
