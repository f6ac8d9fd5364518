"""Real picture and real speech that do not belong together, and mouths that do not do what they did."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from model_src.data.fakes.masks import draw, placed
from model_src.data.fakes.self_blend import blend
from model_src.data.sample import Sample
from model_src.preprocess.chunk import SAMPLE_RATE, VOICE_CELL, Chunk
from model_src.preprocess.window_audio import CELLS

SHIFTS = (0.24, 0.8)  # seconds; less than a quarter is hard to notice for people, too
MOUTH_SOFTNESS = 6.0


def shifted_sound(real: Sample, chunk: Chunk, row: int, generator: np.random.Generator) -> Sample | None:
    """The same voice, earlier or later, cut from the sound around the window; None where there is not enough of it."""
    begin = float(chunk.window_starts[row]) - chunk.start
    delay = generator.uniform(*SHIFTS)
    for by in (delay, -delay) if generator.random() < 0.5 else (-delay, delay):
        cell = round((begin + by) * SAMPLE_RATE / VOICE_CELL)  # in whole cells, so that voice fits sound
        first = cell * VOICE_CELL
        if first >= 0 and first + SAMPLE_RATE <= len(chunk.audio) and chunk.voice[cell : cell + CELLS].any():
            return replace(
                real,
                pcm=chunk.audio[first : first + SAMPLE_RATE].copy(),
                voice=chunk.voice[cell : cell + CELLS].copy(),
                length=SAMPLE_RATE,
                label=1,
                video_label=0,
                audio_label=0,
                in_sync=0,
            )
    return None


def swapped_sound(real: Sample, other: Sample) -> Sample | None:
    """Somebody else's voice; None where nobody else speaks."""
    if not other.voice.any() or other.video_id == real.video_id:
        return None
    return replace(
        real, pcm=other.pcm, voice=other.voice, length=other.length, label=1, video_label=0, audio_label=0, in_sync=0
    )


def retimed_mouth(real: Sample, generator: np.random.Generator) -> Sample:
    """The mouth of another moment of the window in every frame: all from one (frozen), or in another order."""
    count, shape = len(real.crops), real.crops.shape[1:3]
    frozen = bool(generator.integers(2))
    taken = (
        np.full(count, generator.integers(count)) if frozen else np.roll(np.arange(count), generator.integers(1, count))
    )
    frames = [
        blend(
            real.crops[number],
            real.crops[source].astype(np.float32),
            draw(placed(real.points[number], "mouth"), shape, MOUTH_SOFTNESS),
        )
        for number, source in enumerate(taken)
    ]
    return replace(real, crops=np.stack(frames), label=1, video_label=1, audio_label=0, in_sync=0)
