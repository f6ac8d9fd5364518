"""Somebody else's face on this head: laid over the five points, its colours matched, its texture a generator's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from model_src.data.fakes.gallery import Face
from model_src.data.fakes.masks import Mask, affine, filled, grown, laid_over, placed
from model_src.data.fakes.seam import Seam
from model_src.data.fakes.textures import Picture, Texture
from model_src.data.sample import Sample, with_forged_picture

LARGEST_STRETCH = 1.6  # of the contrast, when colours are matched


@dataclass(frozen=True)
class FaceSwap:
    """One swap, the same for every frame of a window."""

    face: Face
    seam: Seam
    texture: Texture
    own_mask: Mask  # [H, W] of the lent face: what lies outside of it is not skin
    match: float  # how far its colours are brought to the head's
    gain: NDArray[np.float64]  # [3] what the match misses
    shift: float

    @classmethod
    def drawn(cls, face: Face, generator: np.random.Generator) -> Self:
        own = filled(grown(placed(face.points, "face"), generator.uniform(0.88, 1.0)), face.crop.shape[:2])
        own = cv2.GaussianBlur(own, (0, 0), float(np.exp(generator.uniform(np.log(2), np.log(10))))).astype(np.float32)
        return cls(
            face=face,
            seam=Seam.drawn(generator),
            texture=Texture.drawn(generator),
            own_mask=np.clip(2 * own - 1, 0, 1),
            match=float(generator.choice([1.0, 1.0, 0.8])),
            gain=generator.uniform(0.96, 1.04) * generator.uniform(0.98, 1.02, 3),
            shift=float(generator.uniform(-4, 4)),
        )

    def worn(
        self, head: NDArray[np.uint8], points: NDArray[np.float32], generator: np.random.Generator
    ) -> tuple[NDArray[np.uint8], Mask]:
        """One frame, and where it was forged."""
        size = head.shape[1::-1]
        onto = affine(self.face.points, points)  # [2, 3]
        face = laid_over(self.face.crop, onto)
        own = cv2.warpAffine(self.own_mask, onto, size).astype(np.float32)
        mask = np.minimum(self.seam.mask(points, head.shape[:2]), own)
        coloured = matched(face, head, mask, self.match) * self.gain + self.shift
        treated = self.texture(np.clip(coloured, 0, 255).astype(np.float32), generator)
        return self.seam.joined(head, treated, mask), mask


def matched(face: NDArray[np.uint8], head: NDArray[np.uint8], mask: Mask, share: float) -> Picture:
    """The face with the mean and the contrast, channel by channel in Lab, of the skin that it covers."""
    inside = mask > 0.5
    if inside.sum() < 100:
        return face.astype(np.float32)
    own = cv2.cvtColor(face, cv2.COLOR_RGB2LAB).astype(np.float32)
    under = cv2.cvtColor(head, cv2.COLOR_RGB2LAB).astype(np.float32)[inside]  # [N, 3]
    lent = own[inside]  # [N, 3]
    stretch = np.clip(under.std(axis=0) / (lent.std(axis=0) + 1e-3), 1 / LARGEST_STRETCH, LARGEST_STRETCH)
    wanted = (own - lent.mean(axis=0)) * stretch + under.mean(axis=0)
    mixed = np.clip(own + share * (wanted - own), 0, 255).astype(np.uint8)
    return cv2.cvtColor(mixed, cv2.COLOR_LAB2RGB).astype(np.float32)


def swapped_face(real: Sample, face: Face, generator: np.random.Generator) -> tuple[Sample, NDArray[np.float32]]:
    """The fake window and where it was forged [T, H, W]. The sound stays as it is."""
    swap = FaceSwap.drawn(face, generator)
    frames = [swap.worn(crop, points, generator) for crop, points in zip(real.crops, real.points, strict=True)]
    crops, masks = np.stack([crop for crop, _ in frames]), np.stack([mask for _, mask in frames])
    return with_forged_picture(real, crops), masks
