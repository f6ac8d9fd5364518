"""What a store holds of a video, as long as it is of this very file.

A store knows videos by their ids alone, and a file may be replaced, or another data root may use the same ids: faces of
one video would be learnt under the label of another.
"""

from __future__ import annotations

import logging
from pathlib import Path

from model_src.data.store import Look, Record, Store, sha256
from model_src.data.video import Video

logger = logging.getLogger(__name__)


class NotExtracted(Exception):
    """The store holds no window of the video; the argument says why."""


def record_of(video: Video, store: Store) -> Record:
    """The record of a video that has windows. Raises NotExtracted."""
    record = store.record(video.video_id)
    if record is None:
        raise NotExtracted("not_extracted")
    if not is_of(record, video.path):
        logger.warning(
            "%s: %s is not the file that was extracted; run `aura extract` again", video.video_id, video.path
        )
        raise NotExtracted("stale")
    if not record.windows:
        raise NotExtracted(record.rejected or "no_windows")
    return record


def is_of(record: Record, path: Path) -> bool:
    """Was it this file? It is read only where it looks another. A file that is gone may well be the one."""
    if not path.is_file():
        return True
    look = Look.at(path)
    if record.look == look:
        return True
    if record.look is not None and record.look.size != look.size:
        return False
    return sha256(path) == record.source_sha256
