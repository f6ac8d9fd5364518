"""The video's sound as 16 kHz mono 16-bit samples on the video's own clock, read as far as somebody asks.

The sound has its own view of the file, so a file that stores all sound behind all pictures costs no more memory than
one that interleaves them. Sample 0 is heard while the first frame is shown: an offset between the two streams becomes
silence, or is cut.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer

from model_src.preprocess.chunk import SAMPLE_RATE
from model_src.preprocess.container import READ_ERRORS, frames_of, listen_only_to, open_container, readable
from model_src.preprocess.limits import Limits
from model_src.preprocess.pcm import Samples

# Rates that microphones and codecs have. Others are made up and would multiply into any amount of samples.
RATES = range(2_000, 384_001)

# A smaller disagreement between a frame's timestamp and the samples before it is rounding; a larger one is a gap.
TOLERANCE = SAMPLE_RATE // 20


class Sound:
    """Reads forward through the sound of one video. Use as a context manager."""

    def __init__(self, descriptor: int, start: Fraction, limits: Limits) -> None:
        self._close = ExitStack()
        self._start = start  # seconds on the file's clock at which the first picture is shown
        self._longest = round(limits.max_seconds + 1) * SAMPLE_RATE
        self._begin = 0  # nobody will ask for anything before
        self._first: int | None = None  # place on the clock of the video at which the sound begins
        self._pieces: deque[tuple[int, Samples]] = deque()  # place on the clock of the video, samples
        self._blocks: Iterator[tuple[int, Samples]] = iter(())
        container = self._close.enter_context(open_container(descriptor, limits))
        stream = _pick(container)
        if stream is not None:
            listen_only_to(container, stream.index)
            self._blocks = self._decode(readable(container.demux(stream)))
        self.present = self._read_one()

    def __enter__(self) -> Sound:
        return self

    def __exit__(self, *_: object) -> None:
        self._blocks = iter(())
        self._close.close()

    @property
    def seconds_unheard(self) -> float:
        """Of sound before the first picture."""
        return max(0, -(self._first or 0)) / SAMPLE_RATE

    def take(self, begin: int, end: int) -> Samples:
        """Samples [begin, end) of the video's clock, silence where the file has none. `begin` may only rise."""
        self._begin = begin
        while (not self._pieces or self._pieces[-1][0] + len(self._pieces[-1][1]) < end) and self._read_one():
            pass
        while self._pieces and self._pieces[0][0] + len(self._pieces[0][1]) <= begin:
            self._pieces.popleft()
        taken = np.zeros(end - begin, np.int16)
        for place, samples in self._pieces:
            left, right = max(place, begin), min(place + len(samples), end)
            if left < right:
                taken[left - begin : right - begin] = samples[left - place : right - place]
        return taken

    def _read_one(self) -> bool:
        block = next(self._blocks, None)
        if block is None:
            return False
        place, samples = block
        self._first = place if self._first is None else self._first
        if place + len(samples) > self._begin:
            self._pieces.append(block)
        return True

    def _decode(self, packets: Iterator) -> Iterator[tuple[int, Samples]]:
        """(place, samples) in rising order. What does not decode is passed over and stays silent."""
        resampler, setup = None, None
        place: int | None = None
        for packet in packets:
            for frame in frames_of(packet):
                if frame.sample_rate not in RATES:
                    continue
                if setup != (kind := (frame.format.name, frame.layout.name, frame.sample_rate)):
                    resampler, setup = AudioResampler("s16", "mono", SAMPLE_RATE), kind
                assert resampler is not None
                place = self._place(frame, place)
                if place > self._longest:
                    return
                frame.pts = None  # the resampler is to convert, not to judge the clock
                try:
                    converted = resampler.resample(frame)
                except READ_ERRORS:
                    setup = None
                    continue
                for piece in converted:
                    samples = piece.to_ndarray().reshape(-1).astype(np.int16, copy=False)
                    yield place, samples
                    place += len(samples)

    def _place(self, frame: AudioFrame, expected: int | None) -> int:
        if frame.pts is None or not frame.time_base:
            return expected if expected is not None else 0
        told = round((frame.pts * frame.time_base - self._start) * SAMPLE_RATE)
        if expected is None or told > expected + TOLERANCE:
            return told
        return expected


@dataclass(frozen=True)
class AudioFacts:
    codec: str
    sample_rate: int
    channels: int


def describe_audio(descriptor: int, limits: Limits) -> AudioFacts | None:
    """What the sound is stored as; None where there is none that can be heard."""
    with open_container(descriptor, limits) as container:
        stream = _pick(container)
        if stream is None:
            return None
        context = stream.codec_context
        return AudioFacts(context.codec.canonical_name, context.sample_rate, context.channels)


def _pick(container: InputContainer) -> AudioStream | None:
    """The first sound stream whose codec and rate are of this world."""
    for stream in container.streams.audio:
        context = stream.codec_context
        if context is not None and context.sample_rate in RATES:
            return stream
    return None
