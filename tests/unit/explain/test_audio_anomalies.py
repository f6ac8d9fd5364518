"""Suspicious stretches of sound: where they begin and end, and when there are none."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest
import torch
from torch import Tensor

from model_src.explain.audio_anomalies import audio_anomalies, relative_attention, spans, step_suspicion
from model_src.models import build
from model_src.models.outputs import Features, WindowLogits
from model_src.verdict.scores import AudioAnomaly
from tests.unit.models.tiny import tiny_config

STEPS = 49
ALL = torch.ones(3, STEPS, dtype=torch.bool)
STARTS = [0.0, 0.5, 1.0]


def heard(fake: list[float], attention: Tensor | None = None, speech: Tensor = ALL) -> WindowLogits:
    """Windows whose audio head gives these probabilities of fake."""
    odds = torch.tensor([math.log(p / (1 - p)) for p in fake])
    logits = torch.stack([torch.zeros_like(odds), odds], dim=-1)
    features = Features(None, None, logits)
    return WindowLogits(logits, None, logits, speech.any(dim=1), speech.any(dim=1), attention, None, features)


def found(windows: WindowLogits, speech: Tensor, starts: list[float]) -> list[AudioAnomaly]:
    return audio_anomalies(step_suspicion(windows, speech).detach().numpy(), starts)


def test_one_suspicious_window_is_one_span_of_its_second() -> None:
    (anomaly,) = found(heard([0.1, 0.9, 0.1]), ALL, STARTS)
    assert (anomaly.start, anomaly.end) == (0.5, 1.48)
    assert anomaly.score == pytest.approx(0.9)


def test_overlapping_suspicious_windows_are_one_span_with_the_highest_score() -> None:
    (anomaly,) = found(heard([0.7, 0.9, 0.8]), ALL, STARTS)
    assert (anomaly.start, anomaly.end) == (0.0, 1.98)
    assert anomaly.score == pytest.approx(0.9)


def test_windows_apart_give_spans_apart_in_order() -> None:
    first, second = found(heard([0.9, 0.1, 0.8]), ALL, [0.0, 1.0, 2.0])
    assert (first.start, second.start) == (0.0, 2.0)
    assert [first.score, second.score] == pytest.approx([0.9, 0.8])


def test_clean_sound_has_no_span() -> None:
    assert found(heard([0.4, 0.3, 0.1]), ALL, STARTS) == []


def test_attention_narrows_a_window_to_what_the_picture_listened_to() -> None:
    attention = torch.full((1, 4, 5, STEPS), 0.001)
    attention[..., 20:30] = 0.1
    (anomaly,) = found(heard([0.9], attention, ALL[:1]), ALL[:1], [2.0])
    assert anomaly.start == pytest.approx(2.4, abs=0.06)
    assert anomaly.end == pytest.approx(2.6, abs=0.06)
    assert anomaly.score == pytest.approx(0.9, abs=0.01)


def test_silence_is_never_suspicious() -> None:
    speech = ALL.clone()
    speech[:, 10:40] = False
    windows = heard([0.9, 0.1, 0.1], torch.full((3, 4, 5, STEPS), 1 / STEPS), speech)
    anomalies = found(windows, speech, STARTS)
    assert [(anomaly.start, anomaly.end) for anomaly in anomalies] == [(0.0, 0.2), (0.8, 0.98)]


def test_silence_around_a_word_does_not_dim_it() -> None:
    speech = torch.zeros(1, STEPS, dtype=torch.bool)
    speech[:, 20:24] = True
    attention = torch.where(speech[:, None, None], 0.25, 0.0).expand(1, 4, 5, STEPS)
    torch.testing.assert_close(relative_attention(attention, speech), speech.float())


def test_without_speech_anywhere_there_is_nothing() -> None:
    silence = torch.zeros_like(ALL)
    assert found(heard([0.9, 0.9, 0.9], None, silence), silence, STARTS) == []


def test_near_spans_are_joined_and_clicks_left_out() -> None:
    steps = np.array([*range(10), *range(18, 30), 60.0])
    (anomaly,) = spans(steps, np.where(steps == 60, 0.99, 0.8))
    assert (anomaly.start, anomaly.end, anomaly.score) == (0.0, 0.6, 0.8)


def test_spans_farther_apart_than_the_gap_stay_apart() -> None:
    steps = np.array([*range(10), *range(20, 30)])
    assert [(s.start, s.end) for s in spans(steps, np.full(20, 0.8))] == [(0.0, 0.2), (0.4, 0.6)]


@pytest.mark.parametrize("starts", [[-2.0, 0.0, 5.0], [0.0, 1e7, 1e12]])
def test_windows_that_lie_anywhere_cost_no_more_than_they_hold(starts: list[float]) -> None:
    tracemalloc.start()
    anomalies = found(heard([0.9, 0.9, 0.9]), ALL, starts)
    assert tracemalloc.get_traced_memory()[1] < 1e6
    tracemalloc.stop()
    assert anomalies[0].start == starts[0]
    assert anomalies[-1].start == pytest.approx(starts[-1], abs=1)


def test_it_reads_what_the_model_says() -> None:
    model = build(tiny_config(), pretrained=False).eval()
    with torch.no_grad():
        model.audio_head.output.bias.copy_(torch.tensor([0.0, 5.0]))  # finds every sound fake
        windows = model.score_windows(torch.randn(3, 5, 256), None, torch.randn(3, STEPS, 24))
        anomalies = found(windows, ALL, STARTS)
        assert anomalies
        assert all(0 <= a.start < a.end <= 1.98 and a.score > 0.5 for a in anomalies)
        without = model.score_windows(torch.randn(3, 5, 256))
        assert found(without, ALL, STARTS) == []
