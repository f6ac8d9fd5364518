"""A voice as folds that turn, breath, and a throat that colours both: the oldest way to make speech.

What is measured is the same for both vocoders here; they differ in how the folds are played.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from model_src.data.fakes.pitch import Pitch, pitch_of
from model_src.data.fakes.spectra import spectrum_of, wave_of
from model_src.preprocess.chunk import SAMPLE_RATE
from model_src.preprocess.pcm import Wave

WINDOW, HOP = 512, 128
HEARD = 7800  # Hz, above which no tone is played: half the sample rate, less a little


def source_filter(wave: Wave, generator: np.random.Generator) -> Wave:
    """One pulse for every turn of the folds."""
    throat = Throat.of(wave, generator)
    turns, hertz = throat.pitch.turns, throat.pitch.every_sample
    pulses = np.diff(np.floor(turns), prepend=0.0) * np.sqrt(SAMPLE_RATE / hertz)  # as strong as noise of deviation 1
    folds = spectrum_of(pulses.astype(np.float32), WINDOW)  # [F, A]
    return throat.heard(folds * throat.clear * torch.exp(throat.envelope))


def harmonics(wave: Wave, generator: np.random.Generator) -> Wave:
    """A tone for every multiple of the pitch, which may have begun together or not."""
    throat = Throat.of(wave, generator)
    hertz = torch.from_numpy(throat.pitch.hertz.astype(np.float32))  # [A]
    multiples = torch.arange(1, int(HEARD / float(hertz.min())) + 1)[:, None]  # [K, 1]
    high = multiples * hertz  # [K, A], Hz
    bins = (high / SAMPLE_RATE * WINDOW).round().long().clamp(max=WINDOW // 2)
    colour = throat.envelope.gather(0, bins)  # [K, A], complex
    loud = colour.real.exp() * throat.clear.gather(0, bins) * torch.sqrt(2 * hertz / SAMPLE_RATE) * (high < HEARD)
    late = colour.imag  # [K, A], radians
    if generator.random() < 0.5:
        late = late + torch.from_numpy(generator.uniform(0, 2 * np.pi, (len(multiples), 1)).astype(np.float32))
    turns = torch.from_numpy((2 * np.pi * (throat.pitch.turns % 1)).astype(np.float32))  # [S]
    length = len(wave)
    tones = between(loud, length) * torch.cos(multiples * turns + between(late, length))  # [K, S]
    return throat.heard(spectrum_of(tones.sum(dim=0).numpy(), WINDOW))


def between(steps: Tensor, length: int) -> Tensor:
    """[K, A] -> [K, S]: from step to step in a straight line."""
    place = torch.arange(length) / HOP
    before = place.floor().long()
    share = place - before
    return steps[:, before] * (1 - share) + steps[:, (before + 1).clamp(max=steps.shape[1] - 1)] * share


@dataclass(frozen=True)
class Throat:
    spectrum: Tensor  # [F, A], complex, of the voice itself
    envelope: Tensor  # [F, A], complex, the logarithm of what the throat does
    pitch: Pitch
    clear: Tensor  # [F, A], how much of the sound the folds make …
    breath: Tensor  # [F, A], complex, … and the rest, as it leaves the lungs
    length: int

    @classmethod
    def of(cls, wave: Wave, generator: np.random.Generator) -> Throat:
        spectrum = spectrum_of(wave, WINDOW)
        steps = spectrum.shape[1]
        cepstrum = torch.fft.irfft((spectrum.abs() + 1e-5).log(), dim=0)  # [WINDOW, A]
        kept = int(generator.integers(24, 48))
        cepstrum[kept : WINDOW - kept + 1] = 0
        if generator.random() < 0.6:  # minimum phase: a pulse rings after it begins, as in a throat; else around it
            cepstrum[1:kept] *= 2
            cepstrum[WINDOW - kept + 1 :] = 0
        pitch = pitch_of(wave, steps, HOP)
        hertz = torch.linspace(0, SAMPLE_RATE / 2, len(spectrum))
        onset, slope = generator.uniform(1500, 7000), generator.uniform(100, 800)
        hoarse = generator.uniform(0.05, 0.3) + 0.7 * torch.sigmoid((hertz - onset) / slope)  # [F], while one speaks
        share = torch.where(torch.from_numpy(pitch.spoken), hoarse[:, None], torch.ones(1))  # [F, A]
        noise = generator.standard_normal(len(wave)).astype(np.float32)
        return cls(
            spectrum=spectrum,
            envelope=torch.fft.rfft(cepstrum, dim=0),
            pitch=pitch,
            clear=torch.sqrt((1 - share**2).clamp(min=0)),
            breath=spectrum_of(noise, WINDOW) * share,
            length=len(wave),
        )

    def heard(self, folds: Tensor) -> Wave:
        """Folds [F, A] with the breath beside them, in the long-term colour of the voice.

        The ear would hear another colour first, and nothing else be learnt.
        """
        made = folds + self.breath * torch.exp(self.envelope)  # [F, A]
        ours, theirs = (given.abs().square().mean(dim=1) + 1e-9 for given in (made, self.spectrum))  # [F]
        colour = nn.functional.pad((theirs / ours)[None], (4, 4), mode="replicate")
        colour = nn.functional.avg_pool1d(colour, 9, stride=1)[0]
        return wave_of(made * torch.sqrt(colour)[:, None], WINDOW, self.length)
