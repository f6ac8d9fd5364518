"""People whose mouths open as their speech sounds, made on the spot: a real face, with a mouth drawn on it.

In the fakes among them, picture and sound are as real as everywhere else, but somebody else is heard.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from model_src.data.made_clips import VOWELS, resonate
from model_src.data.sample import points_in_crop
from model_src.data.source import Choose
from model_src.data.video import Split, Video
from model_src.preprocess.chunk import CROP, SAMPLE_RATE, VOICE_CELL, Chunk
from tests.unit.data.faces import face_chunk
from tests.unit.data.made_windows import made_video

SIDE = 96  # pixels of a crop, for speed
FRAMES, CELLS = 5, 50  # of a second
WINDOWS = 1000  # that a talker has
DARK = np.array([50, 15, 15], np.float32)


def talkers(count: int, split: Split = "train") -> list[Video]:
    """Every second one is heard with somebody else's voice."""
    return [made_video(number, split, video_label=0, audio_label=0) for number in range(count)]


class Talkers:
    """A second of a talker, as a chunk of its own; the same number is always the same second."""

    def count(self, _: Video) -> int:
        return WINDOWS

    def draw(self, video: Video, choose: Choose) -> tuple[Chunk, int]:
        generator = np.random.default_rng([*video.video_id.encode(), choose(WINDOWS)])
        voice, openness = talk(generator)
        crops, points = faces()
        first, light = generator.integers(len(crops) - FRAMES), generator.uniform(0.8, 1.15)
        shown = [
            with_mouth(crops[first + place] * light, points[first + place], openness[place * CELLS // FRAMES])
            for place in range(FRAMES)
        ]
        heard = talk(generator)[0] if video.label else voice
        whole = face_chunk()
        return replace(
            whole,
            crops=np.stack(shown).astype(np.uint8),
            audio=(heard * 32767).astype(np.int16),
            voice=np.ones(CELLS, np.bool_),
            points=points[first : first + FRAMES],
            transforms=np.tile(np.eye(2, 3, dtype=np.float32), (FRAMES, 1, 1)),
            window_starts=np.array([whole.start]),
            window_frames=np.arange(FRAMES, dtype=np.int32)[None],
            window_partial=np.zeros(1, np.bool_),
            window_indices=np.zeros(1, np.int32),
        ), 0


@cache
def faces() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Aligned by the product itself: crops [F, SIDE, SIDE, 3] and their points [F, 5, 2]."""
    chunk = face_chunk()
    small = [cv2.resize(crop, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for crop in chunk.crops]
    points = points_in_crop(chunk.points, chunk.transforms) * np.float32(SIDE / CROP)
    return np.stack(small).astype(np.float32), points


def talk(generator: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A second of vowels, soft and loud [16000], and how far the mouth is open in each 20 ms of it [50]."""
    count = CELLS * VOICE_CELL
    pulses = np.diff(np.floor(np.arange(count) * generator.uniform(95, 190) / SAMPLE_RATE), prepend=0.0)
    pulses += 0.008 * generator.standard_normal(count)
    wave, openness = np.zeros(count), np.zeros(count)
    end = -int(generator.integers(7)) * VOICE_CELL  # the first syllable may have begun before
    while end < count:
        start, length = end, int(generator.integers(7, 14)) * VOICE_CELL
        end = start + length
        here = slice(max(start, 0), end)
        vowel = VOWELS[generator.integers(len(VOWELS))]
        loudness = np.sin(np.pi * np.arange(length) / length)[here.start - start :][: count - here.start]
        loudness = loudness**0.5 * generator.choice([0.1, 0.4, 1.0])
        wave[here] = loudness * resonate(pulses[here], vowel, SAMPLE_RATE)
        openness[here] = loudness * (vowel[0] - 100) / 630  # a wide mouth has a high first resonance
    return 0.4 * wave / np.abs(wave).max(), openness[::VOICE_CELL]


def with_mouth(crop: NDArray[np.float32], points: NDArray[np.float32], openness: float) -> NDArray[np.float32]:
    """The dark of an open mouth between its two corners."""
    middle, width = points[3:].mean(axis=0), float(np.linalg.norm(points[4] - points[3]))
    mask = np.zeros(crop.shape[:2], np.float32)
    part = 16  # of a pixel
    axes = (round(0.38 * width * part), round((0.02 + 0.4 * openness) * width * part))
    cv2.ellipse(mask, np.round(middle * part).astype(int).tolist(), axes, 0, 0, 360, 1.0, -1, cv2.LINE_AA, 4)
    soft = cv2.GaussianBlur(mask, (0, 0), 0.6)[..., None]
    return np.clip(crop + soft * (DARK - crop), 0, 255)
