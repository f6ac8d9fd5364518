"""What a result was made of: it is remembered for these videos as they lie on the disk, and for no others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from model_src.data.source import Preextracted
from model_src.data.store import RECORD, Look, Store
from model_src.data.video import Video
from model_src.preprocess.checksum import sha256
from model_src.training.run import source_of
from model_src.training.settings import TrainSettings


def store_of(settings: TrainSettings, data_root: Path | None) -> Store | None:
    """Where the run reads its windows from; None: from the videos themselves."""
    source = source_of(settings, data_root)
    return source.store if isinstance(source, Preextracted) else None


def described(videos: Sequence[Video], store: Store | None) -> list[list[Any]]:
    """What training and scoring depend on."""
    return sorted(
        [
            video.video_id, video.label, video.split, video.source, video.video_label, video.audio_label, video.people,
            content(video, store),
        ]
        for video in videos
    )  # fmt: skip


def content(video: Video, store: Store | None) -> list[Any]:
    """Empty where there is nothing yet."""
    path = video.path if store is None else store.folder(video.video_id) / RECORD
    if not path.is_file():
        return []
    if store is not None:  # a record holds the checksums of all that was extracted
        return [sha256(path)]
    look = Look.at(path)  # to read every video would take hours
    return [str(path.resolve()), look.size, look.changed_ns]
