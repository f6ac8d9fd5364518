"""Where windows come from: chunks that were extracted before, or the videos themselves."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from itertools import accumulate
from typing import Protocol

from model_src.data.store import Record, Store
from model_src.data.video import Video
from model_src.preprocess.chunk import Chunk
from model_src.preprocess.errors import ChunkInvalid, VideoRejected
from model_src.preprocess.split import split_video

UNSPLIT = 1_000_000
Choose = Callable[[int], int]  # how many windows there are -> the number of the one to take


class Unreadable(Exception):
    """The video has no window to give: it is passed over, and counted."""


class Source(Protocol):
    def count(self, video: Video, /) -> int:
        """At most so many windows does the video have."""
        ...

    def draw(self, video: Video, choose: Choose) -> tuple[Chunk, int]:
        """The chunk that holds the chosen window, and its row in there."""
        ...


class Preextracted:
    def __init__(self, store: Store) -> None:
        self.store = store
        self._records: dict[str, Record | None] = {}

    def count(self, video: Video) -> int:
        record = self._record(video.video_id)
        return 1 if record is None else max(record.windows, 1)  # that it has none is found, and counted, on reading

    def _record(self, video_id: str) -> Record | None:
        if video_id not in self._records:
            self._records[video_id] = self.store.record(video_id)
        return self._records[video_id]

    def draw(self, video: Video, choose: Choose) -> tuple[Chunk, int]:
        record = self._record(video.video_id)
        if record is None or not record.windows:
            raise Unreadable(f"{video.video_id} has not been extracted")
        ends = list(accumulate(chunk.windows for chunk in record.chunks))
        number = choose(ends[-1])
        place = bisect_right(ends, number)
        try:
            chunk = self.store.read_chunk(video.video_id, record.chunks[place].name)
        except (OSError, ChunkInvalid) as error:
            raise Unreadable(f"{video.video_id}: {error}") from error
        return chunk, number - (ends[place - 1] if place else 0)


class OnTheFly:
    """Splits the whole video for every window it gives: for a look at a dataset, not for training on it."""

    def count(self, _: Video) -> int:
        return UNSPLIT  # nobody knows before it is split

    def draw(self, video: Video, choose: Choose) -> tuple[Chunk, int]:
        chunks: list[Chunk] = []
        try:
            split_video(video.path, chunks.append)
        except (OSError, VideoRejected) as error:
            raise Unreadable(f"{video.video_id}: {error}") from error
        windows = [(chunk, row) for chunk in chunks for row in range(len(chunk.window_starts))]
        if not windows:
            raise Unreadable(f"{video.video_id} has no window")
        return windows[choose(len(windows))]
