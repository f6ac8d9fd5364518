"""Chooses how a real window is forged. What a kind needs and the window lacks (speech, say) leads to the next kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from model_src.data.fakes.copy_synthesis import copy_synthesised
from model_src.data.fakes.face_swap import swapped_face
from model_src.data.fakes.gallery import Face, Gallery
from model_src.data.fakes.held_face import held_face, held_head
from model_src.data.fakes.mismatch import retimed_mouth, shifted_sound, swapped_sound
from model_src.data.fakes.misplaced_face import misplaced_face
from model_src.data.fakes.self_blend import self_blended
from model_src.data.fakes.vocoders import LEARNT
from model_src.data.sample import Sample
from model_src.preprocess.chunk import Chunk

Kind = Literal[
    "face_swap",
    "misplaced_face",
    "self_blend",
    "held_face",
    "held_head",
    "retimed_mouth",
    "shifted_sound",
    "swapped_sound",
    "copy_synthesis",
]
CHANCES: dict[Kind, float] = {
    "face_swap": 0.15,
    "misplaced_face": 0.1,
    "self_blend": 0.05,
    "held_face": 0.1,
    "held_head": 0.1,
    "retimed_mouth": 0.1,
    "shifted_sound": 0.1,
    "swapped_sound": 0.1,
    "copy_synthesis": 0.2,
}


class CannotForge(RuntimeError):
    """No kind of forgery that was asked for fits the window."""


@dataclass(frozen=True)
class SelfMadeFakes:
    """`gallery` holds the faces that a swap lends; of its groups, `group_of` names the one that a video belongs to."""

    chances: Mapping[Kind, float] = field(default_factory=lambda: dict(CHANCES))
    gallery: Gallery | None = None
    group_of: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, real: Sample, chunk: Chunk, row: int, other: Sample, generator: np.random.Generator) -> Sample:
        kinds = [kind for kind, chance in self.chances.items() if chance > 0]
        weights = np.array([self.chances[kind] for kind in kinds])
        for place in generator.choice(len(kinds), len(kinds), replace=False, p=weights / weights.sum()):
            made = self.make(kinds[place], real, chunk, row, other, generator)
            if made is not None:
                return made
        raise CannotForge(f"{real.video_id} can be forged by none of {', '.join(kinds)}: give another kind a chance")

    def make(
        self, kind: Kind, real: Sample, chunk: Chunk, row: int, other: Sample, generator: np.random.Generator
    ) -> Sample | None:
        """None where this window cannot be forged this way."""
        if kind == "copy_synthesis":
            return copy_synthesised(real, LEARNT[generator.integers(len(LEARNT))], generator)
        if kind == "swapped_sound":
            return swapped_sound(real, other)
        if kind == "shifted_sound":
            return shifted_sound(real, chunk, row, generator)
        if not real.frame_mask.any():
            return None
        if kind in ("held_face", "held_head") and len(real.crops) < 2:  # there is no other moment to hold
            return None
        if kind == "face_swap":
            return self._swap(real, generator)
        forge: dict[Kind, Callable[[], Sample]] = {
            "misplaced_face": lambda: misplaced_face(real, generator)[0],
            "self_blend": lambda: self_blended(real, generator)[0],
            "held_face": lambda: held_face(real, generator),
            "held_head": lambda: held_head(real, generator),
            "retimed_mouth": lambda: retimed_mouth(real, generator),
        }
        return forge[kind]()

    def _swap(self, real: Sample, generator: np.random.Generator) -> Sample | None:
        if self.gallery is None:
            return None
        head = Face(real.crops[0], real.points[0])
        face = self.gallery.resembling(head, self.group_of.get(real.video_id, ""), generator)
        return None if face is None else swapped_face(real, face, generator)[0]
