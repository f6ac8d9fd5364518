"""Self-blended pictures: a face, changed a little, pasted onto itself.

What gives it away is what gives a face swap away, a seam and two textures; there is no other person and no generator to
learn by heart. Everything is drawn once for a window: the forgery moves with the face and does not flicker.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from model_src.data.fakes.masks import OUTLINES, Mask, Region, draw, placed, smooth_circle
from model_src.data.sample import Sample, with_forged_picture

REGIONS: tuple[Region, ...] = ("face", "mouth", "eyes")
REGION_CHANCES = (0.6, 0.25, 0.15)
STRENGTHS = (0.5, 0.75, 1.0, 1.0, 1.0)  # how much of the pasted face covers the one under it


@dataclass(frozen=True)
class Forgery:
    """One way of forging, the same for every frame of a window."""

    region: Region
    wobble: NDArray[np.float64]  # of the outline's corners
    softness: float  # pixels of the seam
    strength: float
    gain: NDArray[np.float64]  # [3], colour
    shift: float
    sharpen: float  # negative: blurred
    scale: float
    move: NDArray[np.float64]  # [2] pixels

    @classmethod
    def drawn(cls, generator: np.random.Generator) -> Self:
        region = REGIONS[generator.choice(len(REGIONS), p=REGION_CHANCES)]
        return cls(
            region=region,
            wobble=smooth_circle(generator, len(OUTLINES[region])),
            softness=float(generator.uniform(3, 12 if region == "face" else 6)),
            strength=float(generator.choice(STRENGTHS)),
            gain=generator.uniform(0.9, 1.1) * generator.uniform(0.94, 1.06, 3),
            shift=float(generator.uniform(-12, 12)),
            sharpen=float(generator.uniform(-1.0, 1.0)),
            scale=float(generator.uniform(0.97, 1.03)),
            move=generator.uniform(-3, 3, 2),
        )

    def mask(self, points: NDArray[np.float32], shape: tuple[int, int]) -> Mask:
        return draw(placed(points, self.region, self.wobble), shape, self.softness) * np.float32(self.strength)

    def pasted(self, crop: NDArray[np.uint8], points: NDArray[np.float32]) -> NDArray[np.float32]:
        """The face that is put on: of another colour, another sharpness, and not quite in place."""
        centre = points.mean(axis=0)
        matrix = np.array([[self.scale, 0, 0], [0, self.scale, 0]])
        matrix[:, 2] = centre - self.scale * centre + self.move
        changed = np.clip(crop * self.gain + self.shift, 0, 255).astype(np.float32)
        soft = cv2.GaussianBlur(changed, (0, 0), 1.2)
        changed = np.clip(changed + self.sharpen * (changed - soft), 0, 255).astype(np.float32)
        return cv2.warpAffine(changed, matrix, crop.shape[1::-1], borderMode=cv2.BORDER_REFLECT).astype(np.float32)


def blend(crop: NDArray[np.uint8], other: NDArray[np.float32], mask: Mask) -> NDArray[np.uint8]:
    """Where the mask is 0, every pixel is the one it was."""
    mixed = np.round(crop + mask[..., None] * (other - crop))
    return np.clip(mixed, 0, 255).astype(np.uint8)


def self_blended(real: Sample, generator: np.random.Generator) -> tuple[Sample, NDArray[np.float32]]:
    """The fake window and where it was forged [T, H, W]. The sound stays as it is."""
    forgery = Forgery.drawn(generator)
    shape = real.crops.shape[1:3]
    masks = np.stack([forgery.mask(points, shape) for points in real.points])
    frames = zip(real.crops, real.points, masks, strict=True)
    crops = np.stack([blend(crop, forgery.pasted(crop, points), mask) for crop, points, mask in frames])
    return with_forged_picture(real, crops), masks
