"""Windows of labelled videos, dealt by number.

What an item is depends on nothing but the seed, the epoch and its number: not on the worker that makes it, nor on what
was dealt before. So a run that is resumed sees what the unbroken one would have seen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from torch.utils.data import Dataset

from model_src.data.fakes.forged_flow import with_own_flow
from model_src.data.fakes.make import CannotForge
from model_src.data.sample import FORGED, LeftOut, Sample, cut_window, fewer_frames
from model_src.data.source import Choose, Source, Unreadable
from model_src.data.video import Video
from model_src.preprocess.chunk import Chunk

Sampling = Literal["random", "uniform", "start_at"]
Change = Callable[[Sample, np.random.Generator], Sample]
# From a real window (its chunk and row) and a window of somebody else, the fake to stand beside it.
MakeFake = Callable[[Sample, Chunk, int, Sample, np.random.Generator], Sample]

WINDOWS_PER_SECOND = 2


class NothingToLearnFrom(RuntimeError):
    """Not one video of the dataset could be read."""


class WindowDataset(Dataset[list[Sample]]):
    """Up to `windows_per_video` windows of every video, one item each; a picture has one, so it is dealt once.

    sampling: `random` draws anew every epoch, `uniform` spreads the windows evenly over the video, `start_at` takes
    the windows from that second on. Where `make_fake` is given, an item is a real window followed by its own fake.
    `frames` takes so many frames of each window; `before` changes the real before it is forged, `augment` both after.
    Of an unreadable video the next one takes the place; where the dataset `checks`, its windows are left out.
    """

    def __init__(
        self,
        videos: Sequence[Video],
        source: Source,
        *,
        sampling: Sampling = "random",
        windows_per_video: int = 1,
        start_at: float = 0.0,
        seed: int = 0,
        augment: Change | None = None,
        before: Change | None = None,
        make_fake: MakeFake | None = None,
        frames: int | None = None,
        checks: bool = False,
    ) -> None:
        if not videos:
            raise NothingToLearnFrom("There is no video to take windows from.")
        self.videos = list(videos)
        self.source = source
        self.sampling = sampling
        self.windows_per_video = windows_per_video
        self.start_at = start_at
        self.seed = seed
        self.augment = augment
        self.before = before
        self.make_fake = make_fake
        self.frames = frames
        self.checks = checks
        reals = [place for place, video in enumerate(self.videos) if video.label == 0]
        self._next_real = dict(zip(reals, reals[1:] + reals[:1], strict=True))  # whose sound a forgery may borrow
        # How many windows of each video are dealt; and turn after turn: [(place of the video, which of its windows)]
        self.turns = [min(windows_per_video, source.count(video)) for video in self.videos]
        self.items = [
            (place, turn) for turn in range(windows_per_video) for place, turns in enumerate(self.turns) if turn < turns
        ]

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, place: tuple[int, int]) -> list[Sample]:
        """Item `number` of `epoch`, or the next one whose window can be forged: silence cannot, where voices are."""
        epoch, number = place
        for step in range(len(self)):
            try:
                return self._item(epoch, (number + step) % len(self))
            except CannotForge:
                continue
        raise NothingToLearnFrom("No window can be forged in any of the ways that have a chance.")

    def _item(self, epoch: int, number: int) -> list[Sample]:
        generator = np.random.default_rng([self.seed, epoch, number])
        first, turn = self.items[number]
        choose = self._choose(first, turn, generator)
        chunk, row, real, skipped = self._read(first, choose)
        if skipped and self.checks:
            return LeftOut(skipped[0])
        if self.frames is not None:
            real = fewer_frames(real, self.frames, generator)
        if self.before is not None:
            real = self.before(real, generator)
        samples = [replace(real, skipped=skipped)]
        if self.make_fake is not None and real.label == 0:
            other = self._read(self._next_real[first], choose)[2]
            fake = with_own_flow(self.make_fake(real, chunk, row, other, generator), real, chunk, row)
            samples.append(replace(fake, video_id=real.video_id + FORGED))  # a video of its own in every count
        if self.augment is not None:
            # The fake is changed as its real is: nothing but the forgery tells them apart.
            state = generator.bit_generator.state
            for index, sample in enumerate(samples):
                generator.bit_generator.state = state
                samples[index] = self.augment(sample, generator)
        return samples

    def _read(self, first: int, choose: Choose) -> tuple[Chunk, int, Sample, tuple[str, ...]]:
        """The window of that video or, where it cannot be read, of the next one of the same label that can."""
        wanted = self.videos[first].label
        skipped: list[str] = []
        for step in range(len(self.videos)):
            video = self.videos[(first + step) % len(self.videos)]
            if video.label != wanted:
                continue
            try:
                chunk, row = self.source.draw(video, choose)
            except Unreadable:
                skipped.append(video.video_id)
                continue
            return chunk, row, cut_window(chunk, row, video), tuple(skipped)
        raise NothingToLearnFrom(f"None of the {len(skipped)} videos with label {wanted} could be read.")

    def _choose(self, place: int, turn: int, generator: np.random.Generator) -> Choose:
        if self.sampling == "random":
            return lambda count: int(generator.integers(count))
        if self.sampling == "uniform":
            return lambda count: int((turn + 0.5) * count / self.turns[place])
        begin = round(self.start_at * WINDOWS_PER_SECOND) + turn
        return lambda count: min(begin, count - 1)
