"""What a store holds of a video, as long as it is of this very file.

A store knows videos by their ids alone, and a file may be replaced, or another data root may use the same ids: faces of
one video would be learnt under the label of another.
"""

from __future__ import annotations

import logging
from pathlib import Path

from model_src.data.store import Look, Record, Store
from model_src.data.video import Video
from model_src.preprocess.checksum import sha256

logger = logging.getLogger(__name__)


class NotExtracted(Exception):
    """The store holds no window of the video; the argument says why."""


def record_of(video: Video, store: Store) -> Record:
    """The record of a video that has windows. Raises NotExtracted."""
    record = store.record(video.video_id)
    if record is None:
        raise NotExtracted("not_extracted")
    if not looks_the_same(record, video.path):
        logger.warning(
            "%s: %s is not the file that was extracted; run `aura extract` again", video.video_id, video.path
        )
        raise NotExtracted("stale")
    if not record.windows:
        raise NotExtracted(record.rejected or "no_windows")
    return record


def looks_the_same(record: Record, path: Path) -> bool:
    """By its size: a copy has another time, and to read all files at every start takes hours where there are many.

    A file that is gone may well be the one.
    """
    return record.look is None or not path.is_file() or record.look.size == path.stat().st_size


def is_same(record: Record, path: Path) -> bool:
    """Read to the end, unless nobody has written to the file since."""
    return record.look == Look.at(path) or (looks_the_same(record, path) and sha256(path) == record.source_sha256)
