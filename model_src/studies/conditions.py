"""What happens to a video on its way through the world, each in a strength that can be named."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import av
import numpy as np

from model_src.data.augment.picture import Crops, blurred, downscaled
from model_src.data.augment.sound import noisy, phone_band
from model_src.preprocess.chunk import SAMPLE_RATE
from model_src.preprocess.pcm import Wave
from model_src.studies.remake import PictureChange, SoundChange, StoredPicture, StoredSound

Condition = StoredPicture | StoredSound
STUDIO = 48_000  # samples per second: what every sound codec knows


def h264(crf: int) -> StoredPicture:
    return StoredPicture("libx264", {"crf": str(crf), "preset": "fast"})


def h265(crf: int) -> StoredPicture:
    return StoredPicture("libx265", {"crf": str(crf), "preset": "fast", "x265-params": "log-level=error"})


def half_size(crops: Crops, _: np.random.Generator) -> Crops:
    return downscaled(crops, 0.5)


def soft(crops: Crops, _: np.random.Generator, sigma: float) -> Crops:
    return blurred(crops, sigma)


def grainy(crops: Crops, generator: np.random.Generator, sigma: float) -> Crops:
    return np.clip(np.round(crops + sigma * generator.standard_normal(crops.shape)), 0, 255).astype(np.uint8)


def mirrored(crops: Crops, _: np.random.Generator) -> Crops:
    return np.ascontiguousarray(crops[:, :, ::-1])


def brighter(crops: Crops, _: np.random.Generator, gain: float) -> Crops:
    return np.clip(np.round(crops * gain), 0, 255).astype(np.uint8)


def silent(wave: Wave, _: np.random.Generator) -> Wave:
    return np.zeros_like(wave)


def hissing(wave: Wave, generator: np.random.Generator, decibels: float) -> Wave:
    return noisy(wave, decibels, generator)


def picture(change: PictureChange) -> StoredPicture:
    """Stored almost without loss, so that the change is all there is."""
    return replace(h264(10), change=change)


def sound(change: SoundChange) -> StoredSound:
    return StoredSound("flac", SAMPLE_RATE, change=change)


CONDITIONS: dict[str, Condition] = {
    "H.264 crf 10": h264(10),  # also what the changes of the picture are stored with
    "H.264 crf 23": h264(23),
    "H.264 crf 32": h264(32),
    "H.264 crf 40": h264(40),
    "H.265 crf 28": h265(28),
    "H.265 crf 38": h265(38),
    "half size": picture(half_size),
    "blur 1 px": picture(partial(soft, sigma=1.0)),
    "blur 3 px": picture(partial(soft, sigma=3.0)),
    "grain 4/255": picture(partial(grainy, sigma=4.0)),
    "grain 12/255": picture(partial(grainy, sigma=12.0)),
    "mirrored": picture(mirrored),
    "a fifth brighter": picture(partial(brighter, gain=1.2)),
    "muted": sound(silent),
    "sound noise -20 dB": sound(partial(hissing, decibels=20.0)),
    "sound noise -5 dB": sound(partial(hissing, decibels=5.0)),
    "phone band": sound(phone_band),
    "MP3 64 kbit/s": StoredSound("libmp3lame", STUDIO, 64_000),
    "MP3 32 kbit/s": StoredSound("libmp3lame", STUDIO, 32_000),
    "AAC 32 kbit/s": StoredSound("aac", STUDIO, 32_000),
    "Opus 24 kbit/s": StoredSound("libopus", STUDIO, 24_000),
    "Opus 8 kbit/s": StoredSound("libopus", STUDIO, 8_000),
}


def can_be_stored(condition: Condition) -> bool:
    """Does this machine's FFmpeg have the encoder?"""
    try:
        av.codec.Codec(condition.codec, "w")
    except av.codec.codec.UnknownCodecError:
        return False
    return True
