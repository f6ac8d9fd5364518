"""Recordings without a picture: read as one chunk, whose windows have sound and no frames, and written."""

from __future__ import annotations

import wave
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray

from model_src.preprocess.chunk import CROP, SAMPLE_RATE, VOICE_CELL, Chunk
from model_src.preprocess.errors import VideoRejected
from model_src.preprocess.voice import BLOCK, voice_detector
from model_src.preprocess.windows import LENGTH, STEP, window_size

SUFFIXES = {".flac", ".wav", ".mp3", ".m4a", ".ogg"}


def chunk_of_recording(path: Path, frame_rate: float) -> Chunk:
    """Whole seconds only: a window that the recording does not fill is left out."""
    sound = samples_of(path)  # [S]
    duration = Fraction(len(sound), SAMPLE_RATE)
    if duration < LENGTH:
        raise VideoRejected("too_short", f"The recording lasts {float(duration):.2f} s; a window needs {LENGTH} s.")
    padded = np.pad(sound, (0, -len(sound) % BLOCK))
    windows = int((duration - LENGTH) / STEP) + 1
    places = window_size(Fraction(frame_rate))
    return Chunk(
        index=0,
        frame_rate=frame_rate,
        frame_size=(CROP, CROP),
        start=0.0,
        end=float(duration),
        crops=np.zeros((0, CROP, CROP, 3), np.uint8),
        frame_ids=np.zeros(0, np.int32),
        timestamps=np.zeros(0),
        boxes=np.zeros((0, 4), np.float32),
        points=np.zeros((0, 5, 2), np.float32),
        transforms=np.zeros((0, 2, 3), np.float32),
        audio=sound,
        voice=voice_detector().hear(padded)[: len(sound) // VOICE_CELL],
        window_starts=np.arange(windows, dtype=np.float64) * float(STEP),
        window_frames=np.full((windows, places), -1, np.int32),
        window_partial=np.zeros(windows, np.bool_),
        window_indices=np.arange(windows, dtype=np.int32),
    )


def samples_of(path: Path) -> NDArray[np.int16]:
    """[S] at 16 kHz, mono."""
    resampler = AudioResampler("s16", "mono", SAMPLE_RATE)
    pieces = []
    try:
        with av.open(str(path)) as container:
            for frame in container.decode(audio=0):
                frame.pts = None  # converted one after the other, whatever the file says about time
                pieces += resampler.resample(frame)
            pieces += resampler.resample(None)
    except (av.error.FFmpegError, IndexError, ValueError) as error:
        raise VideoRejected("corrupt_video", f"The recording cannot be read: {error}") from error
    parts = [piece.to_ndarray().reshape(-1).astype(np.int16, copy=False) for piece in pieces]
    return np.concatenate([np.zeros(0, np.int16), *parts])


def write_recording(path: Path, samples: NDArray[np.int16], sample_rate: int = SAMPLE_RATE) -> None:
    """[S] as a WAV file, mono."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes(samples.astype("<i2").tobytes())
