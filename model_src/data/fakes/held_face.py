"""A face that lives less than it should: its moments come late, or not at all, while the head moves on.

So does a face that was animated from one picture, and one that a generator made anew for every frame: it follows the
head and leaves out the small things. Here an earlier moment of the same window is laid over each frame's five points,
and every other face is painted in fewer tones.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model_src.data.fakes.few_tones import in_few_tones
from model_src.data.fakes.masks import affine, laid_over
from model_src.data.fakes.seam import Seam
from model_src.data.fakes.textures import Texture
from model_src.data.sample import Sample, with_forged_picture
from model_src.preprocess.align import fit_similarity

SLOWEST, FASTEST = 0.0, 0.6  # of the pace at which time passes; 0 holds one moment for the whole window
FEW_TONES = 0.5  # how many of the faces are painted in few tones
NOTHING_DONE = Texture((), kept=0.0, grain=0.0)


def held_moments(count: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """[T]: which moment is shown in each frame."""
    pace = generator.uniform(SLOWEST, FASTEST)
    start = generator.uniform(0, (1 - pace) * (count - 1))
    return np.round(start + pace * np.arange(count)).astype(np.int64)


def held_face(real: Sample, generator: np.random.Generator) -> Sample:
    """The inner face is held, within a seam; hair, neck and surroundings are those of the moment."""
    seam = Seam.drawn(generator)
    texture = Texture.drawn(generator) if generator.random() < 0.5 else NOTHING_DONE
    shape, frames = real.crops.shape[1:3], []
    for now, then in enumerate(held_moments(len(real.crops), generator)):
        moved = laid_over(real.crops[then], affine(real.points[then], real.points[now]))
        mask = seam.mask(real.points[now], shape)
        frames.append(seam.joined(real.crops[now], texture(moved.astype(np.float32), generator), mask))
    return some_in_few_tones(real, np.stack(frames), generator)


def held_head(real: Sample, generator: np.random.Generator) -> Sample:
    """The whole picture is held, and moved as the head moves."""
    every = np.ones(len(real.points[0]))
    frames = [
        laid_over(real.crops[then], fit_similarity(real.points[then], real.points[now], every))
        for now, then in enumerate(held_moments(len(real.crops), generator))
    ]
    return some_in_few_tones(real, np.stack(frames), generator)


def some_in_few_tones(real: Sample, crops: NDArray[np.uint8], generator: np.random.Generator) -> Sample:
    painted = in_few_tones(crops, real.points, generator) if generator.random() < FEW_TONES else crops
    return with_forged_picture(real, painted)
