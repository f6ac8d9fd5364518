"""Chunks made at test time: noise for a face and a tone for a voice, with the structure Split would give them."""

from __future__ import annotations

import math

import numpy as np

from model_src.preprocess.chunk import CROP, SAMPLE_RATE, VOICE_CELL, Chunk


def make_chunk(
    seconds: float = 2.0,
    *,
    start: float = 0.0,
    rate: float = 5.0,
    sound: bool = True,
    missing: set[int] | None = None,
    seed: int = 0,
) -> Chunk:
    """Windows at 0, 0.5, … of a video that lasts `seconds` after `start`; frames in `missing` had no usable face."""
    random = np.random.default_rng(seed)
    grid = [k for k in range(round(seconds * rate)) if k not in (missing or set())]
    place = {k: row for row, k in enumerate(grid)}
    windows = math.ceil(seconds / 0.5)
    first = [math.ceil(0.5 * i * rate) for i in range(windows)]
    samples = round(seconds * SAMPLE_RATE) if sound else 0
    crops = random.integers(0, 256, (len(grid), 8, 8, 3), dtype=np.uint8)
    tone = 8000 * np.sin(np.arange(samples) * 2 * np.pi * 220 / SAMPLE_RATE) * random.uniform(0.5, 1, samples)
    return Chunk(
        index=3,
        frame_rate=rate,
        frame_size=(480, 640),
        start=start,
        end=start + seconds,
        crops=crops.repeat(CROP // 8, axis=1).repeat(CROP // 8, axis=2),
        frame_ids=np.array([round(start * rate) + k for k in grid], np.int32),
        timestamps=np.array([start + k / rate for k in grid], np.float64),
        boxes=np.tile(np.array([200, 100, 400, 300], np.float32), (len(grid), 1)),
        points=np.zeros((len(grid), 5, 2), np.float32),
        transforms=np.tile(np.array([[1.12, 0, -224], [0, 1.12, -112]], np.float32), (len(grid), 1, 1)),
        audio=tone.astype(np.int16),
        voice=np.ones(samples // VOICE_CELL, np.bool_),
        window_starts=np.array([start + 0.5 * i for i in range(windows)], np.float64),
        window_frames=np.array(
            [[place.get(f + k, -1) for k in range(math.ceil(rate))] for f in first], np.int32
        ).reshape(windows, math.ceil(rate)),
        window_partial=np.array([0.5 * i + 1 > seconds for i in range(windows)], np.bool_),
        window_indices=np.arange(windows, dtype=np.int32) + round(start / 0.5),
    )
