"""Sound and speech together: what is heard in a stretch of video, and how much of the whole was silence."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model_src.preprocess.audio import Sound
from model_src.preprocess.chunk import SAMPLE_RATE, VOICE_CELL
from model_src.preprocess.voice import BLOCK, VoiceDetector


class Listener:
    """Hears a video once from its start; stretches may overlap but only move forward."""

    def __init__(self, sound: Sound, detector: VoiceDetector, seconds: float) -> None:
        self._sound, self._detector = sound, detector
        self._cells = int(np.ceil(seconds * SAMPLE_RATE / VOICE_CELL))  # 20 ms cells that the video has
        self._mask: NDArray[np.bool_] = np.zeros(0, bool)  # answers from cell self._first on
        self._first = 0
        self._heard = 0  # samples judged
        self._silent = 0
        self._leading: int | None = None  # cell in which the first word begins
        self._pending: NDArray[np.int16] = np.zeros(0, np.int16)  # heard by the detector, not asked for yet
        self.present = sound.present

    def take(self, begin: int, end: int) -> tuple[NDArray[np.int16], NDArray[np.bool_]]:
        """([S] samples, [S // 320] speech) of [begin, end); both empty where the video has no sound."""
        if not self.present:
            return np.zeros(0, np.int16), np.zeros(0, bool)
        self._hear_until(end)
        skipped = begin // VOICE_CELL - self._first
        self._mask, self._pending = self._mask[skipped:], self._pending[skipped * VOICE_CELL :]
        self._first = begin // VOICE_CELL
        count = (end - begin) // VOICE_CELL
        return self._pending[: end - begin].copy(), self._mask[:count].copy()

    def _hear_until(self, end: int) -> None:
        if end <= self._heard:
            return
        until = self._heard + -(-(end - self._heard) // BLOCK) * BLOCK
        samples = self._sound.take(self._heard, until)
        mask = self._detector.hear(samples)
        self._count(mask)
        self._mask = np.concatenate([self._mask, mask])
        self._pending = np.concatenate([self._pending, samples])
        self._heard = until

    def _count(self, mask: NDArray[np.bool_]) -> None:
        first = self._heard // VOICE_CELL
        inside = mask[: max(self._cells - first, 0)]
        self._silent += int((~inside).sum())
        if self._leading is None and inside.any():
            self._leading = first + int(inside.argmax())

    @property
    def silence_share(self) -> float | None:
        """Share of the video in which nobody speaks; None without sound."""
        return self._silent / max(self._cells, 1) if self.present else None

    @property
    def leading_silence(self) -> float | None:
        """Seconds before the first word; the whole video where there is none; None without sound."""
        if not self.present:
            return None
        cells = self._leading if self._leading is not None else self._cells
        return cells * VOICE_CELL / SAMPLE_RATE
