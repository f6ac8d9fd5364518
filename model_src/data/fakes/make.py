"""Chooses how a real window is forged. What a kind needs and the window lacks (speech, say) leads to the next kind."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from model_src.data.fakes.copy_synthesis import copy_synthesised, installed
from model_src.data.fakes.mismatch import retimed_mouth, shifted_sound, swapped_sound
from model_src.data.fakes.self_blend import self_blended
from model_src.data.sample import Sample
from model_src.preprocess.chunk import Chunk

Kind = Literal["self_blend", "retimed_mouth", "shifted_sound", "swapped_sound", "copy_synthesis"]
CHANCES: dict[Kind, float] = {
    "self_blend": 0.45,
    "retimed_mouth": 0.1,
    "shifted_sound": 0.15,
    "swapped_sound": 0.1,
    "copy_synthesis": 0.2,
}


@dataclass(frozen=True)
class SelfMadeFakes:
    """`self_blend` needs nothing but a face: it is the kind that always works."""

    chances: dict[Kind, float] = field(default_factory=lambda: dict(CHANCES))

    def __call__(self, real: Sample, chunk: Chunk, row: int, other: Sample, generator: np.random.Generator) -> Sample:
        kinds = [kind for kind, chance in self.chances.items() if chance > 0]
        weights = np.array([self.chances[kind] for kind in kinds])
        for place in generator.choice(len(kinds), len(kinds), replace=False, p=weights / weights.sum()):
            made = make(kinds[place], real, chunk, row, other, generator)
            if made is not None:
                return made
        return self_blended(real, generator)[0]


def make(
    kind: Kind, real: Sample, chunk: Chunk, row: int, other: Sample, generator: np.random.Generator
) -> Sample | None:
    """None where this window cannot be forged this way."""
    if kind == "self_blend":
        return self_blended(real, generator)[0]
    if kind == "retimed_mouth":
        return retimed_mouth(real, generator)
    if kind == "shifted_sound":
        return shifted_sound(real, chunk, row, generator)
    if kind == "swapped_sound":
        return swapped_sound(real, other)
    vocoders = installed()
    return copy_synthesised(real, vocoders[generator.integers(len(vocoders))], generator)
