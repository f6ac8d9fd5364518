"""Which frames an analyst looks at first: the most suspicious ones, each from another moment."""

from __future__ import annotations

from collections.abc import Sequence

MOMENTS = 5  # frames explained with a picture
APART = 0.5 - 1e-6  # seconds, less what rounding takes; what is nearer looks the same and was judged by the same second


def most_suspicious(times: Sequence[float], suspicion: Sequence[float]) -> list[int]:
    """The places of at most five frames, the most suspicious first, no two of them within half a second."""
    chosen: list[int] = []
    for place in sorted(range(len(times)), key=lambda each: (-suspicion[each], times[each])):
        if len(chosen) < MOMENTS and all(abs(times[place] - times[other]) >= APART for other in chosen):
            chosen.append(place)
    return chosen
