"""Ways to take a voice apart and put it together: each takes a wave [S] and gives back as many samples.

WORLD is not learnt from: it shows what carries over. It needs pyworld, the others need nothing but torch.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Literal

import numpy as np
import torch

from model_src.data.fakes.spectra import spectrum_of, wave_of
from model_src.data.fakes.throat import harmonics, source_filter
from model_src.preprocess.chunk import SAMPLE_RATE
from model_src.preprocess.pcm import Wave

Vocoder = Literal["griffin_lim", "mel_griffin_lim", "source_filter", "harmonics", "world"]

WINDOWS = (320, 512, 1024)  # samples that one spectrum sees


class VocoderMissing(RuntimeError):
    """A vocoder was asked for and its package is not installed."""


def griffin_lim(wave: Wave, generator: np.random.Generator) -> Wave:
    """Only loudness per frequency is kept; the phase is guessed until it fits."""
    window = int(generator.choice(WINDOWS))
    return phase_found(spectrum_of(wave, window).abs(), window, len(wave), generator)


def mel_griffin_lim(wave: Wave, generator: np.random.Generator) -> Wave:
    """Loudness in bands as the ear has them, which most speech generators predict; the fine structure is lost, too."""
    window, bands = int(generator.choice(WINDOWS[1:])), int(generator.choice([64, 80, 100]))
    loudness = spectrum_of(wave, window).abs()  # [F, A]
    filters = mel_filters(window // 2 + 1, bands)  # [M, F]
    spread = torch.linalg.pinv(filters) @ (filters @ loudness)  # [F, A]
    return phase_found(spread.clamp(min=0), window, len(wave), generator)


def phase_found(loudness: torch.Tensor, window: int, length: int, generator: np.random.Generator) -> Wave:
    """Loudness [F, A] -> a sound that has about this loudness."""
    phase = torch.from_numpy(generator.uniform(-np.pi, np.pi, tuple(loudness.shape)).astype(np.float32))
    for _ in range(int(generator.integers(8, 33))):
        phase = spectrum_of(wave_of(torch.polar(loudness, phase), window, length), window).angle()
    return wave_of(torch.polar(loudness, phase), window, length)


def mel_filters(bins: int, bands: int) -> torch.Tensor:
    """[bands, bins]: triangles of equal width to the ear, up to half the sample rate."""
    top = 2595 * np.log10(1 + SAMPLE_RATE / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, top, bands + 2) / 2595) - 1) / (SAMPLE_RATE / 2) * (bins - 1)  # [bands + 2]
    places = np.arange(bins)
    rise = (places - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]  # [bands, bins]
    fall = (edges[2:, None] - places) / (edges[2:] - edges[1:-1])[:, None]
    return torch.from_numpy(np.clip(np.minimum(rise, fall), 0, None).astype(np.float32))


def world(wave: Wave, _: np.random.Generator) -> Wave:
    """Pitch, envelope and breath, measured and played back."""
    try:
        pyworld = importlib.import_module("pyworld")
    except ImportError:
        raise VocoderMissing("The WORLD vocoder is not installed: pip install pyworld") from None
    made = pyworld.synthesize(*pyworld.wav2world(wave.astype(np.float64), SAMPLE_RATE), SAMPLE_RATE)
    return np.resize(made, len(wave)).astype(np.float32)


VOCODERS: dict[Vocoder, Callable[[Wave, np.random.Generator], Wave]] = {
    "griffin_lim": griffin_lim,
    "mel_griffin_lim": mel_griffin_lim,
    "source_filter": source_filter,
    "harmonics": harmonics,
    "world": world,
}
LEARNT: tuple[Vocoder, ...] = ("griffin_lim", "mel_griffin_lim", "source_filter", "harmonics")
