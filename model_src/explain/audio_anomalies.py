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

SMOOTHING = 5  # steps, 100 ms: a single step is shorter than any sound
LONGEST_GAP = 0.2  # seconds: nearer spans are one
SHORTEST_SPAN = 0.1  # seconds: less is nothing one could hear


def audio_anomalies(
    suspicion: NDArray[np.float32], starts: Sequence[float], threshold: float = 0.5
) -> list[AudioAnomaly]:
    """Spans in seconds, in order, for windows that start at `starts`, by how suspicious each step of theirs is [W, A].

    A step is as suspicious as the most suspicious window that hears it, times how much the picture attended to it
    there, measured by the most attended step. Without attention in the fusion, all speech of the window counts.
    """
    return spans(on_timeline(suspicion, starts), threshold)


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


def on_timeline(suspicion: NDArray[np.float32], starts: Sequence[float]) -> NDArray[np.float64]:
    """The highest suspicion that any window [W, A] has of each step on the clock of the video, 20 ms each: [S]."""
    first = [round(start * STEPS_PER_SECOND) for start in starts]
    steps = suspicion.shape[1]
    timeline = np.zeros(max(first, default=0) + steps)
    for begin, row in zip(first, suspicion, strict=True):
        np.maximum(timeline[begin : begin + steps], row, out=timeline[begin : begin + steps])
    return timeline


def spans(timeline: NDArray[np.float64], threshold: float) -> list[AudioAnomaly]:
    """Runs of steps above the threshold, near ones joined, short ones left out; the score is the run's highest."""
    steps = np.flatnonzero(timeline > threshold)
    if not len(steps):
        return []
    runs = np.split(steps, np.flatnonzero(np.diff(steps) > math.floor(LONGEST_GAP * STEPS_PER_SECOND)) + 1)
    return [
        AudioAnomaly(
            start=run[0] / STEPS_PER_SECOND,
            end=(run[-1] + 1) / STEPS_PER_SECOND,
            score=float(timeline[run].max()),
        )
        for run in runs
        if run[-1] + 1 - run[0] >= SHORTEST_SPAN * STEPS_PER_SECOND
    ]
