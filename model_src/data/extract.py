"""Split every video of a dataset once, so that no epoch has to decode, detect and align again.

Resumable: a video whose record fits its source and the settings, and whose chunks are all there, is left alone. A video
that cannot be used gets a record too, with the reason; it is counted, never fatal. A file that is not there is counted
alone: its disk may be back tomorrow, and what was extracted of it stays.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field
from pathlib import Path

from model_src.data import film, recording
from model_src.data.extracted import NotExtracted, is_same, record_of
from model_src.data.store import Look, Record, Store
from model_src.data.video import Video
from model_src.preprocess.checksum import sha256
from model_src.preprocess.chunk import Chunk
from model_src.preprocess.errors import ImageRejected, VideoRejected
from model_src.preprocess.limits import Limits
from model_src.preprocess.split import SplitSettings, split_video
from model_src.preprocess.still import chunk_of_image

# Short chunks: one window is drawn from a chunk, and all of the chunk has to be read for it. 8 windows are 3.4 MB.
EXTRACT_SETTINGS = SplitSettings(windows_per_chunk=8, limits=Limits(max_bytes=2 * 1024**3))

PICTURES = {".jpg", ".jpeg", ".png", ".webp"}


@dataclass
class Tally:
    """What an extraction came to."""

    done: int = 0
    already: int = 0
    rejected: Counter[str] = field(default_factory=Counter)

    @property
    def usable(self) -> int:
        return self.done + self.already


def extract_all(
    videos: Sequence[Video], store: Store, settings: SplitSettings = EXTRACT_SETTINGS, workers: int = 1
) -> Iterator[Tally]:
    """Yields after every video what has been reached so far.

    Threads are enough: each split runs in a process of its own.
    """
    tally = Tally()
    pool = ThreadPoolExecutor(max_workers=workers)
    try:
        pending = [pool.submit(extract_one, video, store, settings) for video in videos]
        for future in as_completed(pending):
            record, fresh = future.result()
            if record.rejected is not None:
                tally.rejected[record.rejected] += 1
            elif fresh:
                tally.done += 1
            else:
                tally.already += 1
            yield tally
    finally:  # a full disk is not tried on all the others
        pool.shutdown(cancel_futures=True)


def extract_one(video: Video, store: Store, settings: SplitSettings) -> tuple[Record, bool]:
    """The record of a video, and whether it had to be made."""
    given = asdict(settings)
    if not video.path.is_file():
        return Record(video_id=video.video_id, source_sha256="", settings=given, rejected="missing_file",
                      reason=f"There is no file at {video.path}."), True  # fmt: skip
    look = Look.at(video.path)  # before it is read: what is written meanwhile will show
    found = store.record(video.video_id)
    if found and found.settings == given and is_same(found, video.path) and not store.damaged(found):
        if found.look != look:
            store.write_record(found.model_copy(update={"look": look}))
        return found, False
    shutil.rmtree(store.folder(video.video_id), ignore_errors=True)
    begun = Record(video_id=video.video_id, source_sha256=sha256(video.path), look=look, settings=given)
    record = _split(video, store, settings, begun)
    store.write_record(record)
    return record, True


def _split(video: Video, store: Store, settings: SplitSettings, record: Record) -> Record:
    chunks = []

    def keep(chunk: Chunk) -> None:
        chunks.append(store.write_chunk(video.video_id, chunk))

    try:
        single = _single(video.path, settings)
        if single is not None:
            keep(single)
            return record.model_copy(update={"chunks": chunks})
        with film.readable(video.path) as path:
            report = split_video(path, keep, settings)
    except (VideoRejected, ImageRejected) as rejection:
        shutil.rmtree(store.folder(video.video_id), ignore_errors=True)  # chunks before a rejection are void
        return record.model_copy(update={"rejected": rejection.code, "reason": rejection.message})
    return record.model_copy(update={"chunks": chunks, "report": report.to_dict()})


def _single(path: Path, settings: SplitSettings) -> Chunk | None:
    """A picture is one frame of silence, a recording has windows without frames; None for a video."""
    suffix = path.suffix.lower()
    if suffix in PICTURES:
        return chunk_of_image(path.read_bytes())
    return recording.chunk_of_recording(path, settings.frame_rate) if suffix in recording.SUFFIXES else None


def usable(videos: Iterable[Video], store: Store) -> tuple[list[Video], Counter[str]]:
    """The videos that the store has windows of, and how many it has not, by reason."""
    kept, missing = [], Counter[str]()
    for video in videos:
        try:
            record_of(video, store)
        except NotExtracted as absence:
            missing[str(absence)] += 1
        else:
            kept.append(video)
    return kept, missing


def store_beside(data_root: Path) -> Store:
    """Where the chunks of a data root go when nothing else is said."""
    return Store(data_root / ".aura-extracted")
