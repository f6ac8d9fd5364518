"""Does somebody speak? One answer for every 20 ms of sound.

Silero's small network answers, through ONNX Runtime and without torch: only its weights file is taken from the
`silero-vad` package, which itself would import torch. Where the package is absent, loudness above the background
answers instead.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from model_src.preprocess.chunk import VOICE_CELL
from model_src.preprocess.network import OnnxNetwork
from model_src.preprocess.packaged import packaged_file
from model_src.preprocess.pcm import Samples, Wave, wave_from_pcm

SILERO_STEP = 512  # samples that the network judges at once
SILERO_CONTEXT = 64  # samples before them that it also sees
BLOCK = 2560  # the smallest stretch that holds whole cells and whole steps

# The network's own thresholds: speech begins at 0.5 and lasts until 0.35.
BEGIN, LAST = 0.5, 0.35

QUIETEST = 10 ** (-50 / 20)  # loudness under which nothing is speech
ABOVE_BACKGROUND = 10 ** (10 / 20)
BACKGROUND_RISE = 1.02  # per cell: the estimate of the background follows slowly upwards, at once downwards

Mask = NDArray[np.bool_]


class VoiceDetector(Protocol):
    """Hears one video from its start, block after block."""

    def hear(self, samples: Samples) -> Mask:
        """[n * BLOCK] samples -> [n * BLOCK // VOICE_CELL] answers."""
        ...


def voice_detector() -> VoiceDetector:
    path = silero_weights()
    return SileroVoice(path) if path else EnergyVoice()


@cache
def silero_weights() -> Path | None:
    return packaged_file("silero-vad", "silero_vad_16k_sequence.onnx")


class SileroVoice:
    def __init__(self, path: Path) -> None:
        self._network = OnnxNetwork(path)
        self._hidden = np.zeros((1, 1, 128), np.float32)
        self._cell = np.zeros((1, 1, 128), np.float32)
        self._context: NDArray[np.float32] = np.zeros(SILERO_CONTEXT, np.float32)
        self._speaking = False

    def hear(self, samples: Samples) -> Mask:
        probabilities = self.probabilities(wave_from_pcm(samples))
        spoken = np.array([self._decide(float(probability)) for probability in probabilities])
        centres = (np.arange(len(samples) // VOICE_CELL) * VOICE_CELL + VOICE_CELL // 2) // SILERO_STEP
        return spoken[centres]

    def probabilities(self, wave: Wave) -> NDArray[np.float32]:
        """[n * 512] samples in -1..1 -> [n] how likely each step is speech, given all that was heard before."""
        steps = wave.reshape(-1, SILERO_STEP)  # [n, 512]
        joined: NDArray[np.float32] = np.concatenate([self._context, wave])
        before = np.stack([joined[i * SILERO_STEP : i * SILERO_STEP + SILERO_CONTEXT] for i in range(len(steps))])
        seen = np.concatenate([before, steps], 1)  # [n, 576]
        probabilities, self._hidden, self._cell = self._network(input=seen, h=self._hidden, c=self._cell)
        self._context = wave[-SILERO_CONTEXT:]
        return probabilities

    def _decide(self, probability: float) -> bool:
        self._speaking = probability >= (LAST if self._speaking else BEGIN)
        return self._speaking


class EnergyVoice:
    def __init__(self) -> None:
        self._background = 1.0

    def hear(self, samples: Samples) -> Mask:
        cells = wave_from_pcm(samples).reshape(-1, VOICE_CELL)  # [n, 320]
        return np.array([self._decide(float(level)) for level in np.sqrt((cells**2).mean(1))])

    def _decide(self, level: float) -> bool:
        self._background = max(min(self._background * BACKGROUND_RISE, level), QUIETEST / ABOVE_BACKGROUND)
        return level > max(QUIETEST, self._background * ABOVE_BACKGROUND)
