"""Do two ways to run a model say the same? Asked of one made-up chunk, the same on every machine."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from model_src.preprocess.align import CANONICAL
from model_src.preprocess.chunk import CROP, SAMPLE_RATE, VOICE_CELL, Chunk
from model_src.verdict.calibrate import pick, probability
from model_src.verdict.scores import Calibration, ChunkScores

SECONDS = 3  # the last of its windows passes the end
RATE = 5
CELL = 28  # pixels: noise as coarse as this looks different to a network from frame to frame

Probabilities = list[float]


@dataclass(frozen=True)
class Difference:
    largest: float  # of any window's probability, fused or by one modality
    same_class: bool  # real, fake or uncertain, by every window's fused probability

    def within(self, bound: float) -> bool:
        return self.same_class and self.largest <= bound  # false for NaN too


def probe_chunk() -> Chunk:
    """Coloured noise for a face, a noisy tone for a voice."""
    random = np.random.RandomState(0)  # of all generators of NumPy, the one whose numbers never change
    count, windows = SECONDS * RATE, SECONDS * 2
    noise = random.randint(0, 256, (count, CROP // CELL, CROP // CELL, 3)).astype(np.uint8)
    tone = np.sin(np.arange(SECONDS * SAMPLE_RATE) * 2 * np.pi * 220 / SAMPLE_RATE)
    first = [math.ceil(0.5 * window * RATE) for window in range(windows)]
    return Chunk(
        index=0,
        frame_rate=float(RATE),
        frame_size=(CROP, CROP),
        start=0.0,
        end=float(SECONDS),
        crops=noise.repeat(CELL, axis=1).repeat(CELL, axis=2),
        frame_ids=np.arange(count, dtype=np.int32),
        timestamps=np.arange(count) / RATE,
        boxes=np.tile(np.array([0, 0, CROP, CROP], np.float32), (count, 1)),
        points=(CANONICAL + random.normal(0, 2, (count, 5, 2))).astype(np.float32),
        transforms=np.tile(np.eye(2, 3, dtype=np.float32), (count, 1, 1)),
        audio=(8000 * tone * random.uniform(0.3, 1, len(tone))).astype(np.int16),
        voice=np.ones(SECONDS * SAMPLE_RATE // VOICE_CELL, np.bool_),
        window_starts=np.arange(windows) / 2,
        window_frames=np.array([[k if k < count else -1 for k in range(f, f + RATE)] for f in first], np.int32),
        window_partial=np.arange(windows) == windows - 1,
        window_indices=np.arange(windows, dtype=np.int32),
        flow=random.normal(0, 2, (count, CROP, CROP, 2)).astype(np.float16),
    )


def probabilities(scores: ChunkScores) -> Probabilities:
    """Three for each window: fused, video, audio; the fused one in place of a modality it lacks. None is calibrated."""
    as_it_is = Calibration()
    logits = [
        window.logit if logit is None else logit
        for window in scores.windows
        for logit in (window.logit, window.video_logit, window.audio_logit)
    ]
    return [probability(logit, as_it_is) for logit in logits]


def difference(ours: Probabilities, reference: Probabilities) -> Difference:
    """Both as `probabilities` gives them."""
    if len(ours) != len(reference):
        return Difference(math.inf, same_class=False)
    fused = zip(ours[::3], reference[::3], strict=True)
    return Difference(
        largest=float(np.abs(np.subtract(ours, reference)).max(initial=0.0)),
        same_class=all(pick(a)[0] == pick(b)[0] for a, b in fused),
    )
