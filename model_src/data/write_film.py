"""Writes a film: made pictures at any moments, in any codec and container, and a sound beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

Image = np.ndarray  # [H, W, 3] uint8 RGB
Picture = Callable[[int], Image]  # frame number -> picture
FINE = Fraction(1, 90_000)  # a clock for moments that no rate gives
PIECE = 1024  # samples an encoder is given at once


@dataclass(frozen=True)
class Sound:
    """Samples to store beside the pictures. `offset` seconds is when they start relative to the first picture."""

    samples: NDArray[np.float32]  # [channels, S] in -1..1
    rate: int = 48_000
    codec: str = "aac"
    layout: str = "mono"
    offset: float = 0.0


def write_film(
    path: Path,
    picture: Picture,
    size: tuple[int, int],
    times: Sequence[Fraction],
    rate: Fraction,
    *,
    even: bool = True,
    sound: Sound | None = None,
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    container: str | None = None,
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    tags: dict[str, str] | None = None,
) -> Path:
    """Picture `n` is shown at `times[n]` seconds; where those are not `even`, the clock is finer than the rate.

    `container` is FFmpeg's muxer name where the suffix does not tell it.
    """
    with av.open(str(path), "w", format=container, options=container_options or {}) as output:
        output.metadata.update(tags or {})
        video = output.add_stream(codec, rate=rate, options=options or {})
        assert isinstance(video, av.VideoStream)
        video.width, video.height, video.pix_fmt = *size, pixel_format
        if not even:
            video.codec_context.time_base = FINE
        packets: list[av.Packet] = []
        if sound:
            audio = output.add_stream(sound.codec, rate=sound.rate, layout=sound.layout)
            assert isinstance(audio, av.AudioStream)
            packets += sound_packets(audio, sound)
        packets += picture_packets(video, times, picture)
        for packet in sorted(packets, key=lambda packet: (packet.dts or 0) * packet.time_base):  # one rising clock
            output.mux(packet)
    return path


def picture_packets(stream: av.VideoStream, times: Iterable[Fraction], picture: Picture) -> Iterator[av.Packet]:
    clock = stream.codec_context.time_base or FINE
    for number, time in enumerate(times):
        frame = av.VideoFrame.from_ndarray(picture(number), format="rgb24")
        frame.pts, frame.time_base = round(time / clock), clock
        yield from stream.encode(frame)
    yield from stream.encode(None)


def sound_packets(stream: av.AudioStream, sound: Sound) -> Iterator[av.Packet]:
    for start in range(0, sound.samples.shape[1], PIECE):
        piece = np.ascontiguousarray(sound.samples[:, start : start + PIECE].astype(np.float32))
        frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout=sound.layout)
        frame.sample_rate, frame.time_base = sound.rate, Fraction(1, sound.rate)
        frame.pts = start + round(sound.offset * sound.rate)
        yield from stream.encode(frame)
    yield from stream.encode(None)
