"""A voice taken apart and put together again, as every voice generator does in its last step.

The words, the speaker and the timing stay; only the traces of synthesis are new. Griffin-Lim needs nothing but torch;
WORLD needs pyworld.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from model_src.data.sample import Sample
from model_src.preprocess.chunk import SAMPLE_RATE

Wave = NDArray[np.float32]  # [S]
Vocoder = Literal["griffin_lim", "world"]

N_FFT, HOP, TURNS = 512, 128, 24
PCM = 32768


class VocoderMissing(RuntimeError):
    """A vocoder was asked for and its package is not installed."""


def griffin_lim(wave: Wave, generator: np.random.Generator) -> Wave:
    """Only loudness per frequency is kept; the phase is guessed until it fits."""
    window = torch.hann_window(N_FFT)
    loudness = torch.stft(torch.from_numpy(wave), N_FFT, HOP, window=window, return_complex=True).abs()  # [F, A]
    phase = torch.from_numpy(generator.uniform(-np.pi, np.pi, tuple(loudness.shape)).astype(np.float32))
    for _ in range(TURNS):
        made = torch.istft(torch.polar(loudness, phase), N_FFT, HOP, window=window, length=len(wave))
        phase = torch.stft(made, N_FFT, HOP, window=window, return_complex=True).angle()
    made = torch.istft(torch.polar(loudness, phase), N_FFT, HOP, window=window, length=len(wave))
    return made.numpy().astype(np.float32)


def world(wave: Wave, _: np.random.Generator) -> Wave:
    """Pitch, envelope and breath, measured and played back."""
    try:
        pyworld = importlib.import_module("pyworld")
    except ImportError:
        raise VocoderMissing("The WORLD vocoder is not installed: pip install pyworld") from None
    made = pyworld.synthesize(*pyworld.wav2world(wave.astype(np.float64), SAMPLE_RATE), SAMPLE_RATE)
    return np.resize(made, len(wave)).astype(np.float32)


def loudness(wave: Wave) -> float:
    return float(np.sqrt(np.mean(wave**2)))


VOCODERS: dict[Vocoder, Callable[[Wave, np.random.Generator], Wave]] = {"griffin_lim": griffin_lim, "world": world}


def installed() -> list[Vocoder]:
    """Griffin-Lim always, WORLD where its package is."""
    return ["griffin_lim", "world"] if importlib.util.find_spec("pyworld") else ["griffin_lim"]


def copy_synthesised(real: Sample, vocoder: Vocoder, generator: np.random.Generator) -> Sample | None:
    """The picture stays real; the voice is as loud as it was. None where nobody speaks."""
    if not real.voice.any() or real.length < 2 * N_FFT:
        return None
    wave = real.pcm[: real.length].astype(np.float32) / np.float32(PCM)
    made = VOCODERS[vocoder](wave, generator)
    made = made * np.float32(loudness(wave) / max(loudness(made), 1e-6))
    pcm = np.zeros_like(real.pcm)
    pcm[: real.length] = np.clip(np.round(made * PCM), -PCM, PCM - 1)
    return replace(real, pcm=pcm, label=1, video_label=0, audio_label=1, in_sync=1)
