"""The edge at which a pasted face becomes the head it is pasted on: how far out, how wide, and how it was hidden."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from model_src.data.fakes.masks import OUTLINES, Mask, filled, grown, placed, smooth_circle
from model_src.data.fakes.textures import Picture


@dataclass(frozen=True)
class Seam:
    """One way to cut a face out, the same for every frame of a window."""

    wobble: NDArray[np.float64]  # of the outline's corners
    size: NDArray[np.float64]  # [2] of the outline: below 1 the inner face, above 1 past jaw and hairline
    move: NDArray[np.float64]  # [2] pixels
    width: float  # sigma of the slope from 1 to 0, in pixels
    inwards: bool  # the slope lies inside of the outline, so that nothing outside is touched
    strength: float  # how much of the pasted face covers the one under it
    hidden: float  # sigma of the blur that hides the slope; 0 for none

    @classmethod
    def drawn(cls, generator: np.random.Generator) -> Self:
        return cls(
            wobble=0.7 * smooth_circle(generator, len(OUTLINES["face"])),
            size=generator.uniform(0.8, 1.25) * generator.uniform(0.93, 1.07, 2),
            move=generator.uniform(-3, 3, 2),
            width=float(np.exp(generator.uniform(np.log(1.5), np.log(12)))),
            inwards=bool(generator.random() < 0.3),
            strength=float(generator.choice([1.0, 1.0, 1.0, 0.85])),
            hidden=float(generator.uniform(0.6, 2.4)) if generator.random() < 0.6 else 0.0,
        )

    def mask(self, points: NDArray[np.float32], shape: tuple[int, int]) -> Mask:
        outline = grown(placed(points, "face", self.wobble), self.size)
        mask = filled(outline + self.move, shape)
        mask = cv2.GaussianBlur(mask, (0, 0), self.width).astype(np.float32)
        return np.clip(2 * mask - 1, 0, 1) if self.inwards else mask

    def joined(self, head: NDArray[np.uint8], face: Picture, mask: Mask) -> NDArray[np.uint8]:
        """Where the mask is 0, every pixel is the one it was."""
        weight = (np.float32(self.strength) * mask)[..., None]
        joined = head + weight * (face - head)
        if self.hidden:
            slope = (4 * mask * (1 - mask))[..., None]  # 1 in the middle of the slope, 0 on both sides of it
            joined = joined + slope * (cv2.GaussianBlur(joined, (0, 0), self.hidden) - joined)
        return np.clip(np.round(joined), 0, 255).astype(np.uint8)
