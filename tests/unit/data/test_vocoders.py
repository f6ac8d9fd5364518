"""A vocoder says the same with another waveform, and the pitch that it plays is the one that was sung."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from numpy.typing import NDArray

from model_src.data.fakes.pitch import Pitch, pitch_of
from model_src.data.fakes.spectra import spectrum_of
from model_src.data.fakes.throat import HOP, harmonics
from model_src.data.fakes.vocoders import LEARNT, VOCODERS, Vocoder, VocoderMissing, world
from model_src.preprocess.chunk import SAMPLE_RATE
from model_src.preprocess.pcm import Wave

SECOND = np.arange(SAMPLE_RATE) / SAMPLE_RATE  # [S]
AH = ((700, 120), (1200, 150), (2600, 200))  # where a throat that says so rings, and how widely: Hz
EE = ((300, 80), (2300, 180), (3000, 250))
SPECTRUM = 320  # samples: as short as the shortest window of a vocoder

Hertz = float | NDArray[np.float64]


def chance(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def turns_of(hertz: Hertz) -> NDArray[np.float64]:
    return np.cumsum(np.broadcast_to(hertz, SECOND.shape) / SAMPLE_RATE)


def voice(hertz: Hertz) -> Wave:
    """A second that says ah and ee in turn, and is not the same backwards."""
    turns, open_mouth = turns_of(hertz), 0.5 + 0.5 * np.sin(4 * np.pi * SECOND)
    wave = np.zeros_like(SECOND)
    for multiple in range(1, 40):
        ah, ee = (
            sum(1 / (1 + ((multiple * np.mean(hertz) - rings) / width) ** 2) for rings, width in vowel)
            for vowel in (AH, EE)
        )
        loud = (open_mouth * ah + (1 - open_mouth) * ee) / np.sqrt(multiple)
        wave += loud * np.cos(2 * np.pi * multiple * turns + multiple**2)
    return (0.1 * wave).astype(np.float32)


def pulses(hertz: Hertz) -> Wave:
    return np.diff(np.floor(turns_of(hertz)), prepend=0.0).astype(np.float32)


def sung(wave: Wave) -> Pitch:
    return pitch_of(wave, len(wave) // HOP + 1, HOP)


def alike(one: NDArray, other: NDArray) -> float:
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


def spectrum(wave: Wave) -> NDArray[np.float32]:
    return spectrum_of(wave, SPECTRUM).abs().numpy()


@pytest.mark.parametrize("vocoder", LEARNT)
def test_every_vocoder_says_the_same_with_another_waveform(vocoder: Vocoder) -> None:
    wave = voice(np.linspace(110.0, 160.0, SAMPLE_RATE))
    backwards = wave[::-1].copy()
    for seed in range(4):
        made = VOCODERS[vocoder](wave, chance(seed))
        assert (made.shape, made.dtype) == (wave.shape, wave.dtype)
        assert np.isfinite(made).all()
        assert alike(spectrum(made), spectrum(wave)) > 0.75
        assert alike(spectrum(made), spectrum(backwards)) < 0.5, "the measure cannot tell what is said"
        assert abs(alike(made, wave)) < 0.6


def test_a_vocoder_that_is_not_installed_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyworld", None)  # cannot be imported, even where it is installed
    with pytest.raises(VocoderMissing, match="pip install pyworld"):
        world(np.zeros(100, np.float32), chance(0))


def test_the_pitch_of_a_train_of_pulses_is_how_often_they_come() -> None:
    """Finer than a sample: 123.4 Hz is a period of 129.66."""
    pitch = sung(pulses(123.4))
    assert pitch.spoken.mean() > 0.9
    assert np.abs(pitch.hertz[pitch.spoken] / 123.4 - 1).max() < 0.01


def test_the_pitch_follows_a_voice_that_glides() -> None:
    glide = np.linspace(100.0, 200.0, SAMPLE_RATE)
    pitch = sung(voice(glide))
    assert pitch.spoken.mean() > 0.9
    assert np.abs(pitch.every_sample / glide - 1).max() < 0.03
    assert pitch.turns[-1] == pytest.approx(turns_of(glide)[-1], rel=0.01)


def test_a_noise_has_hardly_any_pitch() -> None:
    for seed in range(4):
        assert sung(chance(seed).standard_normal(SAMPLE_RATE).astype(np.float32)).spoken.mean() < 0.05


def test_harmonics_sound_at_the_multiples_of_the_pitch() -> None:
    """A tenth of the pitch to either side is a fifth of all frequencies: what noise would have there."""
    hertz = 125.0
    for seed in range(4):
        made = harmonics(voice(hertz), chance(seed))
        power = np.abs(np.fft.rfft(made * np.hanning(len(made)))) ** 2
        multiples = np.fft.rfftfreq(len(made), 1 / SAMPLE_RATE) / hertz
        beside = np.abs(multiples - np.round(multiples)) > 0.1
        assert power[beside].sum() < 0.3 * power.sum()
