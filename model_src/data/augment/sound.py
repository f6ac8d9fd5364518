"""Changes of the sound. Each takes one second as floats [S] in -1..1 and gives back as many samples."""

from __future__ import annotations

import io

import av
import numpy as np
import torch

from model_src.preprocess.chunk import SAMPLE_RATE
from model_src.preprocess.pcm import Wave

N_FFT, HOP = 512, 128
AAC_DELAY = 1024  # samples an AAC encoder puts in front


def noise(wave: Wave, generator: np.random.Generator) -> Wave:
    return noisy(wave, generator.uniform(10, 35), generator)


def noisy(wave: Wave, decibels: float, generator: np.random.Generator) -> Wave:
    """White noise, so many dB under the sound."""
    level = float(np.sqrt(np.mean(wave**2))) * 10 ** (-decibels / 20)
    return (wave + level * generator.standard_normal(len(wave))).astype(np.float32)


def phone_band(wave: Wave, _: np.random.Generator) -> Wave:
    """What a telephone lets through: 300 to 3400 Hz."""
    spectrum = np.fft.rfft(wave)
    hertz = np.fft.rfftfreq(len(wave), 1 / SAMPLE_RATE)
    spectrum[(hertz < 300) | (hertz > 3400)] = 0
    return np.fft.irfft(spectrum, len(wave)).astype(np.float32)


def codec(wave: Wave, generator: np.random.Generator) -> Wave:
    """Through AAC at a low bit rate and back."""
    file = io.BytesIO()
    with av.open(file, "w", format="adts") as output:
        stream = output.add_stream("aac", rate=SAMPLE_RATE, layout="mono")
        stream.bit_rate = int(generator.integers(16_000, 48_000))
        for start in range(0, len(wave) + 2 * AAC_DELAY, AAC_DELAY):
            piece = np.zeros((1, AAC_DELAY), np.float32)
            given = wave[start : start + AAC_DELAY]
            piece[0, : len(given)] = given
            frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout="mono")
            frame.sample_rate, frame.pts = SAMPLE_RATE, start
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    file.seek(0)
    with av.open(file, "r") as source:
        decoded = np.concatenate([frame.to_ndarray()[0] for frame in source.decode(audio=0)])
    return fitted(decoded[AAC_DELAY:].astype(np.float32), len(wave))


def stretch(wave: Wave, generator: np.random.Generator) -> Wave:
    """Up to 4 % faster or slower at the same pitch: less than lips and ears notice within a second."""
    return fitted(_vocoder(wave, generator.uniform(0.96, 1.04)), len(wave))


def pitch(wave: Wave, generator: np.random.Generator) -> Wave:
    """Up to a semitone and a half higher or lower at the same speed."""
    factor = 2 ** (generator.uniform(-1.5, 1.5) / 12)
    longer = _vocoder(wave, 1 / factor)  # `factor` times as long, then played that much faster
    places = np.arange(len(wave)) * factor
    return np.interp(places, np.arange(len(longer)), longer).astype(np.float32)


def _vocoder(wave: Wave, speed: float) -> Wave:
    """Phase vocoder: the same sounds, `speed` times as fast."""
    window = torch.hann_window(N_FFT)
    spectrum = torch.stft(torch.from_numpy(wave), N_FFT, HOP, window=window, return_complex=True)  # [F, A]
    places = torch.arange(0, spectrum.shape[1] - 1, speed)  # [B]
    before = places.long()
    share = places - before
    loud = spectrum.abs()
    loudness = (1 - share) * loud[:, before] + share * loud[:, before + 1]  # [F, B]
    expected = 2 * np.pi * HOP * torch.arange(spectrum.shape[0]) / N_FFT  # [F], turn per step
    turn = spectrum[:, before + 1].angle() - spectrum[:, before].angle() - expected.unsqueeze(1)
    turn = turn - 2 * np.pi * torch.round(turn / (2 * np.pi)) + expected.unsqueeze(1)  # [F, B]
    phase = spectrum[:, :1].angle() + torch.cat([torch.zeros_like(turn[:, :1]), turn[:, :-1]], dim=1).cumsum(dim=1)
    made = torch.istft(torch.polar(loudness, phase), N_FFT, HOP, window=window)
    return made.numpy().astype(np.float32)


def fitted(wave: Wave, length: int) -> Wave:
    """Cut, or gone on with its own mirror image, so that no silence tells that something was done."""
    if len(wave) >= length:
        return wave[:length]
    return np.pad(wave, (0, length - len(wave)), mode="reflect")
