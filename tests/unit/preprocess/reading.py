"""Look into a video as the child process does, but in this process: quick, and with the fault visible."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

from model_src.preprocess.decode import grid_pictures
from model_src.preprocess.inspect_video import inspect
from model_src.preprocess.limits import Limits
from model_src.preprocess.probe import VideoInfo
from model_src.preprocess.scan import Scan, scan
from tests.media import read_stamp

RATE = Fraction(5)
LIMITS = Limits()


@contextmanager
def opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def look(path: Path, limits: Limits = LIMITS) -> VideoInfo:
    with opened(path) as descriptor:
        return inspect(descriptor, limits)


def scanned(path: Path) -> Scan:
    with opened(path) as descriptor:
        return scan(descriptor, LIMITS)


def numbers_on_grid(path: Path, rate: Fraction = RATE) -> list[int]:
    """The stamped number of the frame that the grid shows at 0, 1 / rate, 2 / rate, …"""
    with opened(path) as descriptor:
        found = scan(descriptor, LIMITS)
        return [read_stamp(picture.full()) for _, picture in grid_pictures(descriptor, found, rate, LIMITS)]


def expected_on_grid(times: Sequence[Fraction], duration: Fraction, tick: Fraction, rate: Fraction = RATE) -> list[int]:
    """What a player shows, worked out from the times that were written: a container stores them as whole ticks."""
    stored = [round((time - times[0]) / tick) * tick for time in times]
    count = next(k for k in range(10**6) if Fraction(k) / rate >= duration - Fraction(1, 500))
    return [bisect_right(stored, Fraction(k) / rate) - 1 for k in range(count)]
