"""A voice taken apart and put together again, as every voice generator does in its last step.

The words, the speaker and the timing stay; only the traces of synthesis are new. WORLD needs pyworld, the others need
nothing but torch.
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
Vocoder = Literal["griffin_lim", "mel_griffin_lim", "source_filter", "world"]

WINDOWS = (320, 512, 1024)  # samples that one spectrum sees
LOWEST, HIGHEST = 70, 400  # Hz, the pitch of a voice
PCM = 32768


class VocoderMissing(RuntimeError):
    """A vocoder was asked for and its package is not installed."""


def griffin_lim(wave: Wave, generator: np.random.Generator) -> Wave:
    """Only loudness per frequency is kept; the phase is guessed until it fits."""
    window = int(generator.choice(WINDOWS))
    return phase_found(_spectrum(torch.from_numpy(wave), window).abs(), window, len(wave), generator)


def mel_griffin_lim(wave: Wave, generator: np.random.Generator) -> Wave:
    """Loudness in bands as the ear has them, which most speech generators predict; the fine structure is lost, too."""
    window, bands = int(generator.choice(WINDOWS[1:])), int(generator.choice([64, 80, 100]))
    loudness = _spectrum(torch.from_numpy(wave), window).abs()  # [F, A]
    filters = mel_filters(window // 2 + 1, bands)  # [M, F]
    spread = torch.linalg.pinv(filters) @ (filters @ loudness)  # [F, A]
    return phase_found(spread.clamp(min=0), window, len(wave), generator)


def source_filter(wave: Wave, generator: np.random.Generator) -> Wave:
    """Pulses of the voice's pitch, or noise, through the voice's smoothed spectrum: the oldest vocoder there is."""
    window = 512
    spectrum = _spectrum(torch.from_numpy(wave), window)  # [F, A]
    cepstrum = torch.fft.irfft((spectrum.abs() + 1e-5).log(), dim=0)  # [window, A]
    kept = int(generator.integers(24, 48))
    cepstrum[kept : window - kept + 1] = 0
    envelope = torch.fft.rfft(cepstrum, dim=0).real.exp()  # [F, A]
    excited = _spectrum(torch.from_numpy(excitation(wave, envelope.shape[1], window // 4, generator)), window)
    return _sound(envelope * excited[:, : envelope.shape[1]], window, len(wave))


def phase_found(loudness: torch.Tensor, window: int, length: int, generator: np.random.Generator) -> Wave:
    """Loudness [F, A] -> a sound that has about this loudness."""
    phase = torch.from_numpy(generator.uniform(-np.pi, np.pi, tuple(loudness.shape)).astype(np.float32))
    for _ in range(int(generator.integers(8, 33))):
        made = torch.from_numpy(_sound(torch.polar(loudness, phase), window, length))
        phase = _spectrum(made, window).angle()
    return _sound(torch.polar(loudness, phase), window, length)


def excitation(wave: Wave, frames: int, hop: int, generator: np.random.Generator) -> Wave:
    """One pulse per period where the voice has a pitch, noise where it has none: [S]."""
    padded = np.pad(wave, (2 * hop, 4 * hop))
    pieces = np.stack([padded[frame * hop : frame * hop + 4 * hop] for frame in range(frames)])  # [A, window]
    power = np.abs(np.fft.rfft(pieces, 8 * hop)) ** 2
    likeness = np.fft.irfft(power)[:, : SAMPLE_RATE // LOWEST]  # [A, lags]: how like itself so many samples later
    lags = SAMPLE_RATE // HIGHEST + likeness[:, SAMPLE_RATE // HIGHEST :].argmax(axis=1)  # [A]
    voiced = likeness[np.arange(frames), lags] > 0.35 * likeness[:, 0] + 1e-9  # [A]
    turns = np.cumsum(np.repeat(1.0 / lags, hop)[: len(wave)])  # periods since the start
    turns = np.pad(turns, (0, len(wave) - len(turns)), mode="edge")
    pulses = np.diff(np.floor(turns), prepend=0.0) * np.sqrt(np.repeat(lags, hop)[: len(turns)].mean())
    hiss = generator.standard_normal(len(wave))
    spoken = np.pad(np.repeat(voiced, hop)[: len(wave)], (0, max(len(wave) - frames * hop, 0)), mode="edge")
    return np.where(spoken, pulses + 0.1 * hiss, hiss).astype(np.float32)


def mel_filters(bins: int, bands: int) -> torch.Tensor:
    """[bands, bins]: triangles of equal width to the ear, up to half the sample rate."""
    top = 2595 * np.log10(1 + SAMPLE_RATE / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, top, bands + 2) / 2595) - 1) / (SAMPLE_RATE / 2) * (bins - 1)  # [bands + 2]
    places = np.arange(bins)
    rise = (places - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]  # [bands, bins]
    fall = (edges[2:, None] - places) / (edges[2:] - edges[1:-1])[:, None]
    return torch.from_numpy(np.clip(np.minimum(rise, fall), 0, None).astype(np.float32))


def _spectrum(wave: torch.Tensor, window: int) -> torch.Tensor:
    """[S] -> complex [F, A]."""
    return torch.stft(wave, window, window // 4, window=torch.hann_window(window), return_complex=True)


def _sound(spectrum: torch.Tensor, window: int, length: int) -> Wave:
    made = torch.istft(spectrum, window, window // 4, window=torch.hann_window(window), length=length)
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


VOCODERS: dict[Vocoder, Callable[[Wave, np.random.Generator], Wave]] = {
    "griffin_lim": griffin_lim,
    "mel_griffin_lim": mel_griffin_lim,
    "source_filter": source_filter,
    "world": world,
}


def installed() -> list[Vocoder]:
    """All but WORLD, and that one where its package is."""
    return [name for name in VOCODERS if name != "world" or importlib.util.find_spec("pyworld")]


def copy_synthesised(real: Sample, vocoder: Vocoder, generator: np.random.Generator) -> Sample | None:
    """The picture stays real; the voice is as loud as it was. None where nobody speaks."""
    if not real.voice.any() or real.length < 2 * max(WINDOWS):
        return None
    wave = real.pcm[: real.length].astype(np.float32) / np.float32(PCM)
    made = VOCODERS[vocoder](wave, generator)
    made = made * np.float32(loudness(wave) / max(loudness(made), 1e-6))
    pcm = np.zeros_like(real.pcm)
    pcm[: real.length] = np.clip(np.round(made * PCM), -PCM, PCM - 1)
    return replace(real, pcm=pcm, label=1, video_label=0, audio_label=1, in_sync=1)
