"""A video file made anew: its picture or its sound goes through a change and an encoder, the other is copied as it is.

So whatever a study finds is due to that one change. Timestamps stay: lips and speech belong together as before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from model_src.preprocess.container import best_rate, listen_only_to, open_container, pick_video, reason
from model_src.preprocess.limits import Limits
from model_src.preprocess.pcm import Wave, wave_from_pcm
from model_src.preprocess.picture import Converters, Picture
from model_src.preprocess.scan import Scan, scan
from model_src.preprocess.source import choose_demuxer, open_video

PictureChange = Callable[[NDArray[np.uint8], np.random.Generator], NDArray[np.uint8]]  # [T, H, W, 3] RGB
SoundChange = Callable[[Wave, np.random.Generator], Wave]  # the whole sound [S], -1..1
PIECE = 1024  # samples handed to an encoder at once
FULL = 32767


@dataclass(frozen=True)
class StoredPicture:
    codec: str
    options: Mapping[str, str] = field(default_factory=dict)
    change: PictureChange | None = None


@dataclass(frozen=True)
class StoredSound:
    codec: str
    rate: int
    bit_rate: int | None = None  # None: the codec loses nothing
    change: SoundChange | None = None


class NotRemade(Exception):
    """The file could not be made; the argument is a reason to count it under."""


def remake(source: Path, target: Path, how: StoredPicture | StoredSound) -> None:
    """Raises VideoRejected where the video is none, NotRemade where this change cannot be made to it."""
    limits = Limits()
    with open_video(source, limits) as descriptor:
        found = scan(descriptor, limits)
        # Matroska rounds timestamps to milliseconds: only what came from there goes back there.
        form = "matroska" if choose_demuxer(descriptor) == "matroska" else "mp4"
        try:
            with (
                open_container(descriptor, limits) as seen,
                open_container(descriptor, limits) as heard,
                av.open(target, "w", format=form) as made,
            ):
                video, sound = pick_video(seen), next(iter(heard.streams.audio), None)
                if sound is not None:
                    listen_only_to(heard, sound.index)
                if isinstance(how, StoredPicture):
                    parts = [changed_picture(seen, video, made, found, how), copied(heard, sound, made)]
                else:
                    parts = [copied(seen, video, made), changed_sound(heard, sound, made, how)]
                for packets in parts:
                    for packet in packets:
                        made.mux(packet)
        except FFmpegError as error:
            raise NotRemade(f"not_stored_as_{how.codec}: {reason(error)}") from error


def copied(given: InputContainer, stream: VideoStream | AudioStream | None, made: OutputContainer) -> Iterator[Packet]:
    if stream is None:
        return iter(())
    copy = made.add_stream_from_template(stream)

    def packets() -> Iterator[Packet]:
        for packet in given.demux(stream):
            if packet.dts is not None:
                packet.stream = copy
                yield packet

    return packets()


def changed_picture(
    given: InputContainer, video: VideoStream, made: OutputContainer, found: Scan, how: StoredPicture
) -> Iterator[Packet]:
    """Upright and with square pixels, as it is shown."""
    width, height = (side - side % 2 for side in found.size)
    stream = made.add_stream(how.codec, rate=best_rate(video), options=dict(how.options))
    assert isinstance(stream, VideoStream)
    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
    stream.codec_context.time_base = found.time_base
    generator, converters = np.random.default_rng(0), Converters()

    def packets() -> Iterator[Packet]:
        last = None
        for frame in given.decode(video):
            if frame.pts is None or (last is not None and frame.pts <= last):
                continue
            last = frame.pts
            picture = Picture(frame, found.turns, found.size, converters).full()
            if how.change is not None:
                picture = how.change(picture[None], generator)[0]
            anew = VideoFrame.from_ndarray(np.ascontiguousarray(picture[:height, :width]), format="rgb24")
            anew.pts, anew.time_base = frame.pts, found.time_base
            yield from stream.encode(anew)
        yield from stream.encode(None)

    return packets()


def changed_sound(
    given: InputContainer, sound: AudioStream | None, made: OutputContainer, how: StoredSound
) -> Iterator[Packet]:
    """One channel: the model hears no more."""
    if sound is None:
        raise NotRemade("no_sound")
    stream = made.add_stream(how.codec, rate=how.rate, layout="mono")
    assert isinstance(stream, AudioStream)
    if how.bit_rate is not None:
        stream.bit_rate = how.bit_rate

    def packets() -> Iterator[Packet]:
        wave, start = whole_sound(given, sound, how.rate)
        if how.change is not None:
            wave = how.change(wave, np.random.default_rng(0))
        pcm = np.clip(np.round(wave * FULL), -FULL - 1, FULL).astype(np.int16)
        for place in range(0, len(pcm), PIECE):
            frame = AudioFrame.from_ndarray(pcm[None, place : place + PIECE], format="s16", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = how.rate, start + place, Fraction(1, how.rate)
            yield from stream.encode(frame)
        yield from stream.encode(None)

    return packets()


def whole_sound(given: InputContainer, sound: AudioStream, rate: int) -> tuple[Wave, int]:
    """The samples [S] in -1..1, and at which sample of the file's clock they begin."""
    resampler, start, pieces = AudioResampler("s16", "mono", rate), None, []
    for frame in given.decode(sound):
        if start is None:
            start = round((frame.time or 0.0) * rate)
        frame.pts = None
        pieces += [part.to_ndarray().reshape(-1) for part in resampler.resample(frame)]
    pieces += [part.to_ndarray().reshape(-1) for part in resampler.resample(None)] if start is not None else []
    if not pieces:
        raise NotRemade("no_sound")
    return wave_from_pcm(np.concatenate(pieces)), start or 0
