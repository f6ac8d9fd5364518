"""Find the face of every frame, searching the whole picture only now and then.

Every `SEARCH_EVERY` frames the whole picture is searched. Where two searches in a row find exactly one face, the frames
between them are only looked at where that face must be; where they do not, or where the closer look fails, those frames
are searched as a whole too. So a second person is noticed in every frame unless he comes and goes between two searches.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model_src.preprocess.faces import DropReason, Face, FaceDetector, one_face
from model_src.preprocess.picture import Picture

SEARCH_EVERY = 5

# Between two searches a face may not jump: its boxes overlap at least this much, or everything between is searched.
MIN_OVERLAP = 0.3


class Seen(NamedTuple):
    """One place of the sampling grid. A face is in the pixels of the full picture."""

    place: int
    picture: Picture
    face: Face | DropReason


class FaceTracker:
    def __init__(self, detector: FaceDetector, min_confidence: float) -> None:
        self._detector, self._min_confidence = detector, min_confidence

    def follow(self, pictures: Iterable[tuple[int, Picture]]) -> Iterator[Seen]:
        """One answer for every picture, in order, at most `SEARCH_EVERY` pictures late."""
        before: Seen | None = None
        waiting: list[tuple[int, Picture]] = []
        for place, picture in pictures:
            if before is not None and picture is before.picture:  # a still picture is looked at once
                yield (before := before._replace(place=place))
            elif before is None:
                yield (before := self._search(place, picture))
            elif len(waiting) < SEARCH_EVERY - 1:
                waiting.append((place, picture))
            else:
                now = self._search(place, picture)
                yield from self._between(before, waiting, now)
                yield now
                before, waiting = now, []
        yield from (self._search(place, picture) for place, picture in waiting)

    def _search(self, place: int, picture: Picture) -> Seen:
        image, factor = picture.reduced()
        face = one_face(self._detector.detect(image), self._min_confidence)
        return Seen(place, picture, face if isinstance(face, str) else self._settle(picture, face.scaled(factor)))

    def _settle(self, picture: Picture, face: Face) -> Face:
        return self._detector.settle(picture.full(), face)

    def _between(self, before: Seen, waiting: list[tuple[int, Picture]], after: Seen) -> Iterator[Seen]:
        first, last = before.face, after.face
        if isinstance(first, str) or isinstance(last, str) or overlap(first.box, last.box) < MIN_OVERLAP:
            yield from (self._search(place, picture) for place, picture in waiting)
            return
        for number, (place, picture) in enumerate(waiting, start=1):
            share = np.float32(number / (len(waiting) + 1))
            yield self._verify(place, picture, first.box + share * (last.box - first.box))

    def _verify(self, place: int, picture: Picture, box: NDArray[np.float32]) -> Seen:
        image, factor = picture.reduced()
        face = one_face(self._detector.verify(image, box / np.float32(factor)), self._min_confidence)
        if isinstance(face, str):
            return self._search(place, picture)
        return Seen(place, picture, self._settle(picture, face.scaled(factor)))


def overlap(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Intersection over union of two boxes [4]."""
    sides = np.minimum(first[2:], second[2:]) - np.maximum(first[:2], second[:2])
    shared = float(np.prod(np.maximum(sides, 0)))
    whole = float(np.prod(first[2:] - first[:2]) + np.prod(second[2:] - second[:2])) - shared
    return shared / whole if whole > 0 else 0.0
