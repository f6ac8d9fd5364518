"""A voice taken apart and put together again, as every voice generator does in its last step.

The words, the speaker and the timing stay; only the traces of synthesis are new.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from model_src.data.fakes.vocoders import VOCODERS, WINDOWS, Vocoder
from model_src.data.sample import Sample
from model_src.preprocess.pcm import Samples, Wave, pcm_from_wave, wave_from_pcm


def copy_synthesised(real: Sample, vocoder: Vocoder, generator: np.random.Generator) -> Sample | None:
    """The picture stays real; the voice is as loud as it was. None where nobody speaks."""
    if not real.voice.any() or real.length < 2 * max(WINDOWS):
        return None
    pcm = np.zeros_like(real.pcm)
    pcm[: real.length] = revoiced(real.pcm[: real.length], vocoder, generator)
    return replace(real, pcm=pcm, label=1, video_label=0, audio_label=1, in_sync=1)


def revoiced(pcm: Samples, vocoder: Vocoder, generator: np.random.Generator) -> Samples:
    """[S] through the vocoder, as loud as it was."""
    wave = wave_from_pcm(pcm)
    made = VOCODERS[vocoder](wave, generator)
    made = made * np.float32(loudness(wave) / max(loudness(made), 1e-6))
    return pcm_from_wave(made)


def loudness(wave: Wave) -> float:
    return float(np.sqrt(np.mean(wave**2)))
