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
from torch import nn

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
    """Pulses of the voice's pitch below, breath above, through the voice's smoothed spectrum: the oldest vocoder."""
    window = 512
    spectrum = _spectrum(torch.from_numpy(wave), window)  # [F, A]
    cepstrum = torch.fft.irfft((spectrum.abs() + 1e-5).log(), dim=0)  # [window, A]
    kept = int(generator.integers(24, 48))
    cepstrum[kept : window - kept + 1] = 0
    if generator.random() < 0.6:  # minimum phase: every pulse rings after it begins, as a throat does; else around it
        cepstrum[1:kept] *= 2
        cepstrum[window - kept + 1 :] = 0
    envelope = torch.exp(torch.fft.rfft(cepstrum, dim=0))  # [F, A], complex
    steps = envelope.shape[1]
    pulses, spoken = pitch_pulses(wave, steps, window // 4)  # [S], [A]
    hiss = generator.standard_normal(len(wave)).astype(np.float32)
    hertz = torch.linspace(0, SAMPLE_RATE / 2, envelope.shape[0])
    onset, slope = generator.uniform(1500, 7000), generator.uniform(100, 800)
    breath = generator.uniform(0.05, 0.3) + (1 - 0.3) * torch.sigmoid((hertz - onset) / slope)  # [F], of a voiced step
    share = torch.where(torch.from_numpy(spoken)[None], breath[:, None], torch.ones(1))  # [F, A]
    voiced = _spectrum(torch.from_numpy(pulses), window)[:, :steps] * torch.sqrt((1 - share**2).clamp(min=0))
    excited = voiced + _spectrum(torch.from_numpy(hiss), window)[:, :steps] * share
    made = envelope * excited  # [F, A]
    # Its long-term colour is brought back to the voice's: the ear would hear that first, and nothing else be learnt.
    colour = (spectrum.abs().square().mean(dim=1) + 1e-9) / (made.abs().square().mean(dim=1) + 1e-9)  # [F]
    colour = nn.functional.avg_pool1d(nn.functional.pad(colour[None], (4, 4), mode="replicate"), 9, stride=1)[0]
    return _sound(made * torch.sqrt(colour)[:, None], window, len(wave))


def phase_found(loudness: torch.Tensor, window: int, length: int, generator: np.random.Generator) -> Wave:
    """Loudness [F, A] -> a sound that has about this loudness."""
    phase = torch.from_numpy(generator.uniform(-np.pi, np.pi, tuple(loudness.shape)).astype(np.float32))
    for _ in range(int(generator.integers(8, 33))):
        made = torch.from_numpy(_sound(torch.polar(loudness, phase), window, length))
        phase = _spectrum(made, window).angle()
    return _sound(torch.polar(loudness, phase), window, length)


def pitch_pulses(wave: Wave, steps: int, hop: int) -> tuple[Wave, NDArray[np.bool_]]:
    """One pulse per period, as strong as noise of deviation 1 [S], and in which steps the voice has a pitch [A]."""
    padded = np.pad(wave, (2 * hop, 4 * hop))
    pieces = np.stack([padded[step * hop : step * hop + 4 * hop] for step in range(steps)])  # [A, window]
    power = np.abs(np.fft.rfft(pieces, 8 * hop)) ** 2
    likeness = np.fft.irfft(power)[:, : SAMPLE_RATE // LOWEST]  # [A, lags]: how like itself so many samples later
    lags = SAMPLE_RATE // HIGHEST + likeness[:, SAMPLE_RATE // HIGHEST :].argmax(axis=1)  # [A]
    spoken = likeness[np.arange(steps), lags] > 0.35 * likeness[:, 0] + 1e-9  # [A]
    each = np.repeat(lags, hop)[: len(wave)]
    each = np.pad(each, (0, len(wave) - len(each)), mode="edge")  # [S]
    pulses = np.diff(np.floor(np.cumsum(1.0 / each)), prepend=0.0) * np.sqrt(each)
    return pulses.astype(np.float32), spoken


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
    pcm = np.zeros_like(real.pcm)
    pcm[: real.length] = revoiced(real.pcm[: real.length], vocoder, generator)
    return replace(real, pcm=pcm, label=1, video_label=0, audio_label=1, in_sync=1)


def revoiced(pcm: NDArray[np.int16], vocoder: Vocoder, generator: np.random.Generator) -> NDArray[np.int16]:
    """[S] through the vocoder, as loud as it was."""
    wave = pcm.astype(np.float32) / np.float32(PCM)
    made = VOCODERS[vocoder](wave, generator)
    made = made * np.float32(loudness(wave) / max(loudness(made), 1e-6))
    return np.clip(np.round(made * PCM), -PCM, PCM - 1).astype(np.int16)
