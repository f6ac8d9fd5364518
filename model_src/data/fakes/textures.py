"""What the last steps of a face generator do to a face: too few pixels, no pores, edges put back, another grain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.float32]  # [H, W, 3] in 0..255
Change = Callable[[Picture], Picture]

ENLARGEMENTS = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4)


def through_few_pixels(share: float, enlargement: int) -> Change:
    """As a generator of so small a picture gives it."""

    def change(face: Picture) -> Picture:
        height, width = face.shape[:2]
        small = (max(16, round(width * share)), max(16, round(height * share)))
        reduced = cv2.resize(face, small, interpolation=cv2.INTER_AREA)
        return cv2.resize(reduced, (width, height), interpolation=enlargement).astype(np.float32)

    return change


def without_pores(tones: float, reach: float) -> Change:
    """Edges stay, skin becomes smooth."""

    def change(face: Picture) -> Picture:
        return cv2.bilateralFilter(face, 7, tones, reach).astype(np.float32)

    return change


def sharpened(strength: float, width: float) -> Change:
    def change(face: Picture) -> Picture:
        return (face + strength * (face - cv2.GaussianBlur(face, (0, 0), width))).astype(np.float32)

    return change


@dataclass(frozen=True)
class Texture:
    """One way to treat a face, the same for all frames of a window; the grain alone is new in every frame."""

    changes: tuple[Change, ...]
    kept: float  # share of the original's detail that comes through
    grain: float

    @classmethod
    def drawn(cls, generator: np.random.Generator) -> Self:
        changes: list[Change] = []
        if generator.random() < 0.25:
            changes.append(without_pores(generator.uniform(12, 50), generator.uniform(2, 6)))
        if generator.random() < 0.4:
            share = float(np.exp(generator.uniform(np.log(0.22), np.log(0.75))))
            changes.append(through_few_pixels(share, ENLARGEMENTS[generator.integers(len(ENLARGEMENTS))]))
        if generator.random() < (0.6 if changes else 0.15):
            changes.append(sharpened(generator.uniform(0.2, 1.4), generator.uniform(0.8, 2.2)))
        return cls(
            tuple(changes),
            kept=generator.uniform(0.1, 0.5) if generator.random() < 0.35 else 0.0,
            grain=generator.uniform(1, 4) if generator.random() < 0.12 else 0.0,
        )

    def __call__(self, face: Picture, generator: np.random.Generator) -> Picture:
        treated = face
        for change in self.changes:
            treated = change(treated)
        treated = treated + np.float32(self.kept) * (face - treated)
        if self.grain:
            treated = treated + generator.normal(0, self.grain, (*face.shape[:2], 1)).astype(np.float32)
        return np.clip(treated, 0, 255).astype(np.float32)
