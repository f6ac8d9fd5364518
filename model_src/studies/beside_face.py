"""Changes beside the face: whoever judges the face alone says the same after each of them.

They are made on extracted chunks, so that nothing else changes: no codec, no face that is found elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from model_src.data.augment.picture import Crops, compressed
from model_src.models.regions import region_weights
from model_src.preprocess.chunk import CROP, Chunk
from model_src.studies.conditions import brighter, mirrored
from model_src.studies.remake import PictureChange

MID_GREY = 128
QUALITY = 75  # of a JPEG: what most programs store with


@dataclass(frozen=True)
class Change:
    of: Literal["crops", "audio"]  # a chunk without them cannot be changed
    make: Callable[[Chunk], Chunk]

    def concerns(self, chunk: Chunk) -> bool:
        return len(getattr(chunk, self.of)) > 0


def repainted(chunk: Chunk, how: PictureChange) -> Chunk:
    return replace(chunk, crops=how(chunk.crops, np.random.default_rng(0)))


def without_background(chunk: Chunk) -> Chunk:
    """Mid grey, which does not move, wherever no region of the face reaches."""
    shown = face()[..., None]  # [224, 224, 1]
    flow = None if chunk.flow is None else np.where(shown, chunk.flow, np.float16(0))
    return replace(chunk, crops=np.where(shown, chunk.crops, np.uint8(MID_GREY)), flow=flow)


@cache
def face() -> NDArray[np.bool_]:
    """[224, 224], the pixels of the face and its surroundings: the outline that the model's regions fill."""
    return (region_weights(CROP) > 0).any(dim=0).numpy()


def turned(chunk: Chunk) -> Chunk:
    """Left and right exchanged, and with them the direction across in which everything moves."""
    flow = None if chunk.flow is None else chunk.flow[:, :, ::-1] * np.array([-1, 1], np.float16)
    return replace(repainted(chunk, mirrored), flow=flow)


def stored_again(crops: Crops, _: np.random.Generator) -> Crops:
    return compressed(crops, QUALITY)


def muted(chunk: Chunk) -> Chunk:
    return replace(chunk, audio=chunk.audio[:0], voice=chunk.voice[:0])


CHANGES: dict[str, Change] = {
    "background blank": Change("crops", without_background),
    "mirrored": Change("crops", turned),
    "a fifth brighter": Change("crops", partial(repainted, how=partial(brighter, gain=1.2))),
    "stored again": Change("crops", partial(repainted, how=stored_again)),
    "muted": Change("audio", muted),
}
