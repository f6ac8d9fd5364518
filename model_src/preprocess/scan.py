"""Read a video's packets once, without decoding: what its header claims is checked against what is there."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from model_src.preprocess.container import (
    READ_ERRORS,
    VIDEO_CODECS,
    best_rate,
    open_container,
    pick_video,
    prepare_decoder,
    readable,
    reason,
)
from model_src.preprocess.errors import VideoRejected
from model_src.preprocess.geometry import display_size, turns_of
from model_src.preprocess.limits import Limits

# Packets tried until one decodes: enough for a stream that was cut before its first key frame.
PACKETS_TO_FIRST_FRAME = 300


@dataclass(frozen=True)
class Scan:
    """What decoding needs to know. `times` are the shown frames' timestamps in ticks of `time_base`, rising."""

    times: list[int]
    time_base: Fraction
    end: int  # tick at which the last frame stops being shown
    size: tuple[int, int]  # width, height as displayed
    turns: int  # quarter turns clockwise
    codec: str
    pixel_format: str

    @property
    def start(self) -> int:
        return self.times[0]

    @property
    def duration(self) -> Fraction:
        return (self.end - self.start) * self.time_base

    @property
    def frame_rate(self) -> float:
        return float(len(self.times) / self.duration)

    @property
    def variable(self) -> bool:
        """Do the gaps between frames differ by more than the rounding of timestamps?"""
        gaps = [later - earlier for earlier, later in zip(self.times, self.times[1:], strict=False)]
        return bool(gaps) and max(gaps) - min(gaps) > max(2, 0.1 * max(gaps))


def scan(descriptor: int, limits: Limits) -> Scan:
    """Judge the video stream of an open file. Raises VideoRejected."""
    with open_container(descriptor, limits) as container:
        video = pick_video(container)
        codec = VIDEO_CODECS[video.codec_context.codec.canonical_name]
        _judge_size((video.codec_context.width, video.codec_context.height), limits)
        times, end = _packet_times(container, video, limits)
        assert video.time_base is not None
        _judge_duration(float((end - times[0]) * video.time_base), limits)
        time_base = video.time_base
    with open_container(descriptor, limits) as container:
        video = pick_video(container)
        prepare_decoder(video, limits)
        frame = _first_frame(container, video)
        turns = turns_of(frame)
        size = display_size(frame.width, frame.height, video.sample_aspect_ratio, turns)
        _judge_size(size, limits)
        return Scan(times, time_base, end, size, turns, codec, frame.format.name)


def _packet_times(container: InputContainer, video: VideoStream, limits: Limits) -> tuple[list[int], int]:
    """Timestamps of the frames that will be shown, and the tick at which the last one ends."""
    assert video.time_base is not None
    interval = max(round(1 / (best_rate(video) * video.time_base)), 1)
    times: list[int] = []
    longest = round(limits.max_seconds / video.time_base)
    end = None
    for packet in readable(container.demux(video)):
        if packet.size == 0 or packet.is_discard:
            continue
        time = packet.pts if packet.pts is not None else packet.dts
        if time is None:
            time = times[-1] + interval if times else 0
        times.append(time)
        end = max(end if end is not None else time, time + (packet.duration or interval))
        if len(times) > limits.max_frames or end - min(times[0], time) > 2 * longest:
            break
    if not times or end is None:
        raise VideoRejected("corrupt_video", "The file announces a video but no frame of it can be read.")
    times.sort()
    if len(times) > limits.max_frames:
        allowed = limits.max_seconds
        raise VideoRejected("too_long", f"The video has more frames than {allowed:.0f} seconds of video can have.")
    return times, end


def _first_frame(container: InputContainer, video: VideoStream) -> VideoFrame:
    problem = "no frame can be decoded"
    for number, packet in enumerate(readable(container.demux(video))):
        try:
            frames = packet.decode()
        except READ_ERRORS as error:
            problem, frames = reason(error), []
        if frames:
            return frames[0]
        if number > PACKETS_TO_FIRST_FRAME:
            break
    raise VideoRejected("corrupt_video", f"The video cannot be decoded: {problem}.")


def _judge_size(size: tuple[int, int], limits: Limits) -> None:
    width, height = size
    if not width or not height:
        raise VideoRejected("corrupt_video", "The size of the video cannot be read.")
    inside = limits.min_short_side <= min(size) <= limits.max_short_side and max(size) <= limits.max_long_side
    if not inside:
        message = f"The video has {width}×{height} pixels; {limits.size_text()} is accepted."
        raise VideoRejected("resolution_out_of_range", message)


def _judge_duration(seconds: float, limits: Limits) -> None:
    if seconds < limits.min_seconds - 0.002:
        message = f"The video lasts {seconds:.2f} s; at least {limits.min_seconds:g} s is needed."
        raise VideoRejected("too_short", message)
    if seconds > limits.max_seconds + 0.002:
        message = f"The video lasts {seconds:.0f} s; at most {limits.max_seconds:.0f} s is accepted."
        raise VideoRejected("too_long", message)
