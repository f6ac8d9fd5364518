"""Count what could not be used and when, so that a result can say what it does not speak about."""

from __future__ import annotations

from fractions import Fraction
from typing import TypedDict

from model_src.preprocess.errors import VideoRejected
from model_src.preprocess.faces import DROP_REASONS, DropReason


class Excluded(TypedDict):
    """A stretch of the video without usable frames."""

    reason: str
    start: float
    end: float


class Tally:
    """One entry per sampled frame, in order."""

    def __init__(self, rate: Fraction) -> None:
        self._rate = rate
        self._ranges: list[tuple[DropReason, int, int]] = []  # reason, first frame, frame after the last
        self.dropped: dict[str, int] = dict.fromkeys(DROP_REASONS, 0)
        self.sampled = 0
        self.analyzed = 0

    def use(self) -> None:
        self.sampled += 1
        self.analyzed += 1

    def drop(self, reason: DropReason) -> None:
        place = self.sampled
        self.sampled += 1
        self.dropped[reason] += 1
        if self._ranges and self._ranges[-1][0] == reason and self._ranges[-1][2] == place:
            self._ranges[-1] = (reason, self._ranges[-1][1], place + 1)
        else:
            self._ranges.append((reason, place, place + 1))

    def excluded(self, duration: float) -> list[Excluded]:
        return [
            Excluded(reason=reason, start=float(first / self._rate), end=min(float(after / self._rate), duration))
            for reason, first, after in self._ranges
        ]

    def judge(self, least: int) -> None:
        """Raise VideoRejected unless enough frames were usable."""
        if self.dropped["multiple_faces"] > (self.sampled - self.dropped["no_face"]) / 2:
            count = self.dropped["multiple_faces"]
            message = f"{count} of {self.sampled} sampled frames show more than one face; exactly one is needed."
            raise VideoRejected("multiple_faces", message)
        if self.dropped["no_face"] == self.sampled:
            raise VideoRejected("no_face", f"None of the {self.sampled} sampled frames shows a face.")
        if self.analyzed < least:
            reasons = ", ".join(f"{name}: {count}" for name, count in self.dropped.items() if count)
            message = (
                f"Only {self.analyzed} of {self.sampled} sampled frames are usable, {least} are needed ({reasons})."
            )
            raise VideoRejected("too_few_usable_frames", message)
