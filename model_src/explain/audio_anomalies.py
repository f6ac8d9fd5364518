"""Which stretches of the sound are suspicious: what the audio head thinks of a window, where the picture listened."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from model_src.models.heads import log_odds
from model_src.models.outputs import WindowLogits
from model_src.models.windows import STEPS_PER_SECOND
from model_src.verdict.scores import AudioAnomaly

THRESHOLD = 0.5  # steps above it are suspicious
SMOOTHING = 5  # steps, 100 ms: a single step is shorter than any sound
LONGEST_GAP = 0.2  # seconds: nearer spans are one
SHORTEST_SPAN = 0.1  # seconds: less is nothing one could hear


def audio_anomalies(suspicion: NDArray[np.float32], starts: Sequence[float]) -> list[AudioAnomaly]:
    """Spans in seconds, in order, for windows that start at `starts`, by how suspicious each step of theirs is [W, A].

    A step is as suspicious as the most suspicious window that hears it, times how much the picture attended to it
    there, measured by the most attended step. Without attention in the fusion, all speech of the window counts.
    """
    return spans(*suspicious_steps(suspicion, starts))


def step_suspicion(windows: WindowLogits, audio_mask: Tensor) -> Tensor:
    """How suspicious each step of each window is, in 0..1: [W, A]."""
    if windows.audio is None or not windows.has_audio.any():
        return torch.zeros(audio_mask.shape, device=audio_mask.device)
    speech = audio_mask & windows.has_audio.unsqueeze(1)  # [W, A]
    fake = torch.sigmoid(log_odds(windows.audio).float())  # [W]
    return fake.unsqueeze(1) * relative_attention(windows.attention, speech)


def relative_attention(attention: Tensor | None, speech: Tensor) -> Tensor:
    """Attention [W, heads, T, A], averaged and smoothed, as a share of the window's highest: [W, A]; silence is 0."""
    if attention is None:
        return speech.float()
    mean = attention.float().mean(dim=(1, 2)) * speech  # [W, A]
    width = SMOOTHING // 2
    total = F.avg_pool1d(F.pad(mean, (width, width)).unsqueeze(1), SMOOTHING, stride=1).squeeze(1)  # [W, A]
    count = F.avg_pool1d(F.pad(speech.float(), (width, width)).unsqueeze(1), SMOOTHING, stride=1).squeeze(1)
    smooth = total / count.clamp(min=1 / SMOOTHING) * speech  # [W, A]: silence around a word does not dim it
    return smooth / smooth.amax(dim=1, keepdim=True).clamp(min=1e-12)


def suspicious_steps(
    suspicion: NDArray[np.float32], starts: Sequence[float]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The steps on the clock of the video, 20 ms each, that any window [W, A] finds suspicious: which they are, in
    order [S], and the highest suspicion of each [S]."""
    first = np.rint(np.asarray(starts, np.float64) * STEPS_PER_SECOND)  # [W]
    rows, columns = np.nonzero(suspicion > THRESHOLD)
    steps, which = np.unique((first[rows] + columns).astype(np.float64), return_inverse=True)
    highest = np.zeros(len(steps))
    np.maximum.at(highest, which, suspicion[rows, columns])
    return steps, highest


def spans(steps: NDArray[np.float64], scores: NDArray[np.float64]) -> list[AudioAnomaly]:
    """Runs of steps, near ones joined, short ones left out; the score is the run's highest."""
    if not len(steps):
        return []
    ends = np.flatnonzero(np.diff(steps) > math.floor(LONGEST_GAP * STEPS_PER_SECOND)) + 1
    return [
        AudioAnomaly(start=run[0] / STEPS_PER_SECOND, end=(run[-1] + 1) / STEPS_PER_SECOND, score=float(of_run.max()))
        for run, of_run in zip(np.split(steps, ends), np.split(scores, ends), strict=True)
        if run[-1] + 1 - run[0] >= SHORTEST_SPAN * STEPS_PER_SECOND
    ]
