"""The frame shown at time k / f, for k = 0, 1, …: one pass over the video, whatever its own clock is.

Time zero is the first frame. The frame shown at a time is the last one whose timestamp is not after it. Since the scan
has listed all timestamps, it is known before decoding which frames will be wanted; H.264 and MPEG-4 pictures that
nothing refers to and nobody wants are not decoded at all, which changes no pixel of the others.

Decoding runs in a thread of its own (FFmpeg works without Python's lock) a few frames ahead of whoever looks at them.
"""

from __future__ import annotations

import queue
import threading
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from fractions import Fraction

from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from model_src.preprocess.container import READ_ERRORS, frames_of, open_container, pick_video, prepare_decoder, readable
from model_src.preprocess.errors import VideoRejected
from model_src.preprocess.limits import Limits
from model_src.preprocess.picture import Converters, Picture
from model_src.preprocess.scan import Scan
from model_src.preprocess.windows import grid_size

# Decoded frames waiting to be looked at: enough to keep the decoder busy during a slow detection.
FRAMES_AHEAD = 4

# A video of which less than this share decodes is not judged by the few pictures that do.
MIN_DECODED = 0.5

# In these codecs the decoder knows for certain which pictures nothing refers to.
SKIPPABLE = ("h264", "mpeg4")


def grid_pictures(descriptor: int, found: Scan, rate: Fraction, limits: Limits) -> Iterator[tuple[int, Picture]]:
    """(k, picture) for every k of the sampling grid. Equal pictures in a row are one and the same object."""
    count = grid_size(found.duration, rate)
    return pictures_at(descriptor, found, [Fraction(k) / rate for k in range(count)], limits)


def pictures_at(
    descriptor: int, found: Scan, times: Sequence[Fraction], limits: Limits, *, seek: bool = False
) -> Iterator[tuple[int, Picture]]:
    """(index into times, picture) for rising `times` in seconds since the first frame.

    `seek` jumps to the key frame before each time instead of decoding everything between: for a few times far apart.
    """
    ticks = (found.start + time / found.time_base for time in times)
    wanted = [found.times[max(bisect_right(found.times, tick) - 1, 0)] for tick in ticks]  # of the frames shown then
    converters = Converters()
    picture, pictured = None, None
    for index, frame in _ahead(_sought(descriptor, wanted, limits) if seek else _shown(descriptor, wanted, limits)):
        if picture is None or frame is not pictured:
            picture, pictured = Picture(frame, found.turns, found.size, converters), frame
        yield index, picture


def _shown(descriptor: int, wanted: Sequence[int], limits: Limits) -> Iterator[tuple[int, VideoFrame]]:
    """(index, frame) for rising timestamps. Where a frame does not decode, the one before it stays on the screen."""
    with open_container(descriptor, limits) as container:
        video = pick_video(container)
        prepare_decoder(video, limits)
        shown = None
        index = missing = 0
        for time, frame in _frames(container, video, frozenset(wanted)):
            while index < len(wanted) and wanted[index] < time:
                yield index, shown or frame
                index, missing = index + 1, missing + 1
            shown = frame
            while index < len(wanted) and wanted[index] == time:
                yield index, shown
                index += 1
            if index == len(wanted):
                break
        decoded = index - missing
        if decoded < MIN_DECODED * len(wanted) or shown is None:
            found = f"Only {decoded} of {len(wanted)} sampled frames can be decoded."
            raise VideoRejected("corrupt_video", found)
        yield from ((rest, shown) for rest in range(index, len(wanted)))


def _sought(descriptor: int, wanted: Sequence[int], limits: Limits) -> Iterator[tuple[int, VideoFrame]]:
    """The same frames as `_shown`, reached by seeking. A file whose index misleads is read from its beginning."""
    for index, target in enumerate(wanted):
        frame = _seek(descriptor, target, limits)
        if frame is None:
            _, frame = next(_shown(descriptor, [target], limits))
        yield index, frame


def _seek(descriptor: int, target: int, limits: Limits) -> VideoFrame | None:
    with open_container(descriptor, limits) as container:
        video = pick_video(container)
        prepare_decoder(video, limits)
        try:
            container.seek(target, stream=video)
        except READ_ERRORS:
            return None
        for time, frame in _frames(container, video, frozenset([target])):
            if time >= target:
                return frame if time == target else None
    return None


def _frames(container: InputContainer, video: VideoStream, wanted: frozenset[int]) -> Iterator[tuple[int, VideoFrame]]:
    """(timestamp, frame) in rising order. Data that does not decode is passed over."""
    context = video.codec_context
    may_skip = context.codec.canonical_name in SKIPPABLE
    last: int | None = None
    for packet in readable(container.demux(video)):
        if may_skip:
            context.skip_frame = "DEFAULT" if packet.pts is None or packet.pts in wanted else "NONREF"
        for frame in frames_of(packet):
            time = frame.pts if frame.pts is not None else frame.dts
            if time is not None and (last is None or time > last):
                last = time
                yield time, frame


def _ahead(frames: Iterator[tuple[int, VideoFrame]]) -> Iterator[tuple[int, VideoFrame]]:
    """The same items, made by another thread a few at a time. Its exception is raised here."""
    waiting: queue.Queue[tuple[int, VideoFrame] | BaseException | None] = queue.Queue(FRAMES_AHEAD)
    stopped = threading.Event()

    def put(item: tuple[int, VideoFrame] | BaseException | None) -> bool:
        while not stopped.is_set():
            try:
                waiting.put(item, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def work() -> None:
        try:
            for item in frames:
                if not put(item):
                    return
            put(None)
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits for it
            put(error)

    worker = threading.Thread(target=work, name="decode", daemon=True)
    worker.start()
    try:
        while (item := waiting.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stopped.set()
        worker.join()
