"""Which stretches of the sound are suspicious: what the audio head thinks of a window, where the picture listened."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from model_src.models.heads import log_odds
from model_src.models.outputs import WindowLogits
from model_src.models.windows import STEPS_PER_SECOND
from model_src.verdict.scores import AudioAnomaly

SMOOTHING = 5  # steps, 100 ms: a single step is shorter than any sound
LONGEST_GAP = 0.2  # seconds: nearer spans are one
SHORTEST_SPAN = 0.1  # seconds: less is nothing one could hear


def audio_anomalies(
    heard: Sequence[tuple[WindowLogits, Tensor]], starts: Sequence[float], threshold: float = 0.5
) -> list[AudioAnomaly]:
    """Spans in seconds, in order, for windows that start at `starts`, by what each model of an ensemble heard in them
    and its mask [W, A] of where there is speech; the models' mean counts.

    A step is as suspicious as the most suspicious window that hears it, times how much the picture attended to it
    there, measured by the most attended step. Without attention in the fusion, all speech of the window counts.
    """
    suspicion = torch.stack([step_suspicion(windows, mask) for windows, mask in heard]).mean(dim=0)  # [W, A]
    timeline = on_timeline(suspicion, starts)
    return spans(timeline, threshold)


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


def on_timeline(suspicion: Tensor, starts: Sequence[float]) -> dict[int, float]:
    """Step on the clock of the video (20 ms each) -> the highest suspicion that any window has of it."""
    timeline: dict[int, float] = {}
    for start, row in zip(starts, suspicion.tolist(), strict=True):
        first = round(start * STEPS_PER_SECOND)
        for step, value in enumerate(row, start=first):
            timeline[step] = max(value, timeline.get(step, 0.0))
    return timeline


def spans(timeline: dict[int, float], threshold: float) -> list[AudioAnomaly]:
    """Runs of steps above the threshold, near ones joined, short ones left out; the score is the run's highest."""
    runs: list[list[int]] = []
    for step in sorted(step for step, value in timeline.items() if value > threshold):
        if runs and step - runs[-1][-1] <= math.floor(LONGEST_GAP * STEPS_PER_SECOND):
            runs[-1].append(step)
        else:
            runs.append([step])
    return [
        AudioAnomaly(
            start=run[0] / STEPS_PER_SECOND,
            end=(run[-1] + 1) / STEPS_PER_SECOND,
            score=max(timeline[step] for step in run),
        )
        for run in runs
        if run[-1] + 1 - run[0] >= SHORTEST_SPAN * STEPS_PER_SECOND
    ]
