"""Videos made at test time: any codec, container, clock, size, rotation and sound, so that no video is committed.

    make_clip(path, seconds=2, fps=25, size=(640, 480), codec="libx264", audio=tone(2.0))
    talking_head(path, seconds=5, size=(1280, 720))      # a real face that speaks
    portrait()                                           # one RGB picture with one face

The pictures of `make_clip` carry their own number (`stamp`, read back by `read_stamp`), so a test can tell which source
frame it was given. The talking head and its voice are those of `model_src.data.made_clips`, scaled up.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np

from model_src.data import made_clips
from model_src.data.made_clips import evenly, fitted_head
from model_src.data.write_film import Image, Picture, Sound, write_film

STAMP_BITS = 12  # enough for 4096 frames


def make_clip(
    path: str | Path,
    *,
    seconds: float = 2.0,
    fps: float | Fraction = 30,
    size: tuple[int, int] = (320, 240),
    codec: str = "libx264",
    container: str | None = None,
    pixel_format: str = "yuv420p",
    audio: Sound | None = None,
    rotation: int = 0,
    picture: Picture | None = None,
    timestamps: Sequence[Fraction] | None = None,
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    metadata_tags: dict[str, str] | None = None,
) -> Path:
    """Write one video and return its path.

    `timestamps` (seconds, rising) replaces the even clock of `fps`. `rotation` is clockwise as a player shows it, for
    MP4 and MOV only. `container` is FFmpeg's muxer name where the suffix does not tell it.
    """
    path = Path(path)
    rate = Fraction(fps).limit_denominator(1001)
    times = list(timestamps) if timestamps is not None else evenly(seconds, rate)
    picture = picture or (lambda number: stamp(number, size))
    quick = {"preset": "ultrafast"} if codec in ("libx264", "libx265") else {}
    quick |= {"x265-params": "log-level=none:pools=none"} if codec == "libx265" else {}
    quick |= {"cpu-used": "8", "deadline": "realtime"} if codec.startswith("libvpx") else {}
    quick |= {"preset": "10", "crf": "20"} if codec == "libsvtav1" else {}
    write_film(
        path, picture, size, times, rate, even=timestamps is None, sound=audio, codec=codec, pixel_format=pixel_format,
        container=container, options=quick | (options or {}), container_options=container_options, tags=metadata_tags,
    )  # fmt: skip
    if rotation:
        set_rotation(path, rotation)
    return path


def stamp(number: int, size: tuple[int, int]) -> Image:
    """A grey gradient whose top band shows `number` in black and white cells: it survives any lossy codec."""
    width, height = size
    image = np.empty((height, width, 3), np.uint8)
    image[:] = np.linspace(60, 180, width, dtype=np.uint8)[None, :, None]
    band, cell = max(height // 4, 1), width / STAMP_BITS
    for bit in range(STAMP_BITS):
        value = 235 if number >> bit & 1 else 16
        image[:band, round(bit * cell) : round((bit + 1) * cell)] = value
    return image


def read_stamp(image: Image) -> int:
    """The number `stamp` drew, read from the middle of each cell."""
    height, width = image.shape[:2]
    row, cell = max(height // 8, 0), width / STAMP_BITS
    return sum(1 << bit for bit in range(STAMP_BITS) if image[row, round((bit + 0.5) * cell)].mean() > 127)


def tone(seconds: float, *, hertz: float = 440.0, rate: int = 48_000, channels: int = 1, **fields: object) -> Sound:
    """A plain sine."""
    wave = 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)
    return Sound(np.tile(wave.astype(np.float32), (channels, 1)), rate, **fields)  # type: ignore[arg-type]


def silence(seconds: float, *, rate: int = 48_000, **fields: object) -> Sound:
    return Sound(np.zeros((1, round(seconds * rate)), np.float32), rate, **fields)  # type: ignore[arg-type]


def speech(seconds: float, **fields: object) -> Sound:
    """Something a voice detector takes for speech, always the same."""
    wave = made_clips.speech(seconds, 118, np.random.default_rng(7))
    return Sound(wave[None], made_clips.VOICE_RATE, **fields)  # type: ignore[arg-type]


def carphone() -> tuple[Image, ...]:
    """The 120 pictures (144 x 176) of the talking head."""
    return made_clips.packaged_head()


def talking_head(
    path: str | Path,
    seconds: float = 5.0,
    size: tuple[int, int] = (640, 480),
    audio: bool = True,
    *,
    fps: float | Fraction = 30,
    **fields: object,
) -> Path:
    """A real face in every frame and, by default, a speech-like voice. Further fields go to `make_clip`."""
    sound = speech(seconds) if audio else None
    return make_clip(
        path,
        seconds=seconds,
        fps=fps,
        size=size,
        audio=sound,
        picture=lambda number: fitted_head(number, size),
        **fields,  # type: ignore[arg-type]
    )


@cache
def portrait() -> Image:
    """The astronaut of scikit-image: one face, 512 x 512."""
    from skimage import data

    return np.ascontiguousarray(data.astronaut())


def set_rotation(path: Path, clockwise: int) -> None:
    """Write a display matrix into the first track of an MP4 or MOV, as a phone held sideways does."""
    cosine, sine = {0: (1, 0), 90: (0, 1), 180: (-1, 0), 270: (0, -1)}[clockwise]
    content = bytearray(path.read_bytes())
    box = content.index(b"tkhd") + 4
    matrix = box + (52 if content[box] == 1 else 40)  # version 1 has 64-bit times
    one = 1 << 16
    content[matrix : matrix + 36] = struct.pack(
        ">9i", cosine * one, sine * one, 0, -sine * one, cosine * one, 0, 0, 0, 1 << 30
    )
    path.write_bytes(content)
