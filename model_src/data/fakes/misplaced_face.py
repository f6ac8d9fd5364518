"""The head's own face, generated anew and put back a little wrong: turned, stretched, of another colour and texture.

There is nobody else in it, so only the traces of making tell it from its real.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from model_src.data.fakes.masks import Mask
from model_src.data.fakes.seam import Seam
from model_src.data.fakes.textures import Texture
from model_src.data.sample import Sample, with_forged_picture

GRID = 4  # places along each side that a stretch moves on their own


@dataclass(frozen=True)
class MisplacedFace:
    """One way to put it back, the same for every frame of a window."""

    seam: Seam
    texture: Texture
    turn: float  # degrees
    scale: float
    move: NDArray[np.float64]  # [2] pixels
    stretch: NDArray[np.float32]  # [2, GRID, GRID] pixels
    gain: NDArray[np.float64]  # [3]
    shift: float

    @classmethod
    def drawn(cls, generator: np.random.Generator) -> Self:
        reach = generator.uniform(2, 7) if generator.random() < 0.6 else 0.0
        return cls(
            seam=Seam.drawn(generator),
            texture=Texture.drawn(generator),
            turn=float(generator.uniform(-2.5, 2.5)),
            scale=float(generator.uniform(0.95, 1.05)),
            move=generator.uniform(-5, 5, 2),
            stretch=(reach * generator.uniform(-1, 1, (2, GRID, GRID))).astype(np.float32),
            gain=generator.uniform(0.94, 1.06) * generator.uniform(0.97, 1.03, 3),
            shift=float(generator.uniform(-6, 6)),
        )

    def put_back(
        self, head: NDArray[np.uint8], points: NDArray[np.float32], generator: np.random.Generator
    ) -> tuple[NDArray[np.uint8], Mask]:
        """One frame, and where it was forged."""
        height, width = head.shape[:2]
        centre = points.mean(axis=0)
        back = cv2.getRotationMatrix2D((float(centre[0]), float(centre[1])), self.turn, self.scale)  # [2, 3]
        back[:, 2] = back[:, 2] + self.move
        across, down = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
        across = across + cv2.resize(self.stretch[0], (width, height), interpolation=cv2.INTER_CUBIC)
        down = down + cv2.resize(self.stretch[1], (width, height), interpolation=cv2.INTER_CUBIC)
        inverse = cv2.invertAffineTransform(back)
        source_x = (inverse[0, 0] * across + inverse[0, 1] * down + inverse[0, 2]).astype(np.float32)
        source_y = (inverse[1, 0] * across + inverse[1, 1] * down + inverse[1, 2]).astype(np.float32)
        face = cv2.remap(head, source_x, source_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
        coloured = np.clip(face * self.gain + self.shift, 0, 255).astype(np.float32)
        mask = self.seam.mask(points, (height, width))
        return self.seam.joined(head, self.texture(coloured, generator), mask), mask


def misplaced_face(real: Sample, generator: np.random.Generator) -> tuple[Sample, NDArray[np.float32]]:
    """The fake window and where it was forged [T, H, W]. The sound stays as it is."""
    made = MisplacedFace.drawn(generator)
    frames = [made.put_back(crop, points, generator) for crop, points in zip(real.crops, real.points, strict=True)]
    crops, masks = np.stack([crop for crop, _ in frames]), np.stack([mask for _, mask in frames])
    return with_forged_picture(real, crops), masks
