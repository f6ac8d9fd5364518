"""Open a judged descriptor with FFmpeg, so narrowly that only its own bytes can matter.

Runs in the child process: the file has passed `source`, nothing else about it is trusted.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

import av
import av.error
from av.container import InputContainer
from av.packet import Packet
from av.stream import Discard, Disposition
from av.video.stream import VideoStream

from model_src.preprocess.errors import VideoRejected
from model_src.preprocess.limits import Limits
from model_src.preprocess.source import choose_demuxer, descriptor_path

logging.getLogger("libav").setLevel(logging.CRITICAL)

VIDEO_CODECS = {
    "h264": "H.264",
    "hevc": "H.265",
    "vp8": "VP8",
    "vp9": "VP9",
    "av1": "AV1",
    "mpeg4": "MPEG-4",
    "mjpeg": "Motion JPEG",
    "prores": "ProRes",
}

# Cover art and thumbnails are stored as video streams of one picture.
NOT_MOVING = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image

# More threads gain nothing at 1080p and each holds frames.
MAX_DECODER_THREADS = 6

# What FFmpeg and its binding raise on bytes that make no sense.
READ_ERRORS = (av.error.FFmpegError, UnicodeError, ValueError, OverflowError, ArithmeticError, IndexError)


@contextmanager
def open_container(descriptor: int, limits: Limits) -> Iterator[InputContainer]:
    """The file, opened with its one demuxer. Other files, protocols and streams beyond a sane number stay shut."""
    demuxer = choose_demuxer(descriptor)
    options = {
        "format_whitelist": "mov,matroska,avi",
        "protocol_whitelist": "file",
        "max_streams": "32",
        "max_pixels": str(limits.max_pixels),
        "threads": "1",  # of the short look at the streams on opening
    }
    if demuxer == "mov":
        options |= {"enable_drefs": "0", "use_absolute_path": "0"}
    try:
        container = av.open(
            descriptor_path(descriptor), format=demuxer, options=options, metadata_errors="surrogateescape"
        )
    except READ_ERRORS as error:
        raise VideoRejected("corrupt_video", f"The file cannot be read as a video: {reason(error)}.") from error
    with container:
        yield container


def pick_video(container: InputContainer) -> VideoStream:
    """The first stream that moves, its codec judged; every other stream is told to stay silent."""
    moving = [stream for stream in container.streams.video if not stream.disposition & NOT_MOVING]
    if not moving:
        raise VideoRejected("no_video_stream", "The file holds no moving picture.")
    video = moving[0]
    context = video.codec_context
    name = context.codec.canonical_name if context is not None else None
    if name not in VIDEO_CODECS:
        allowed = ", ".join(VIDEO_CODECS.values())
        raise VideoRejected("unsupported_codec", f"The video is stored as {name or 'an unknown codec'}; use {allowed}.")
    if not video.time_base:
        raise VideoRejected("corrupt_video", "The video stream has no clock.")
    listen_only_to(container, video.index)
    return video


def listen_only_to(container: InputContainer, index: int) -> None:
    for stream in container.streams:
        if stream.index != index:
            stream.discard = Discard.all


def prepare_decoder(video: VideoStream, limits: Limits) -> None:
    """Threads for speed, and a ceiling on the picture size that a stream may switch to half-way."""
    context = video.codec_context
    context.thread_type = "AUTO"
    context.thread_count = min(os.cpu_count() or 1, MAX_DECODER_THREADS)
    context.options = {"max_pixels": str(limits.max_pixels)}


def readable(packets: Iterator[Packet]) -> Iterator[Packet]:
    """The packets up to where the file can no longer be read: a download that was cut is still a video."""
    while True:
        try:
            packet = next(packets, None)
        except READ_ERRORS:
            return
        if packet is None:
            return
        yield packet


def frames_of(packet: Packet) -> list[Any]:
    """What the packet decodes to; nothing where its bytes make no sense."""
    try:
        return packet.decode()
    except READ_ERRORS:
        return []


def best_rate(video: VideoStream) -> Fraction:
    """The rate the header claims, where it is one; only used where timestamps are missing."""
    for rate in (video.average_rate, video.guessed_rate):
        if rate and 0 < rate <= 1000:
            return rate
    return Fraction(25)


def reason(error: BaseException) -> str:
    """FFmpeg's own words, without the path that it appends."""
    text = getattr(error, "strerror", None) or type(error).__name__
    return str(text).strip().rstrip(".").lower() or "unknown reason"
