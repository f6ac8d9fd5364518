"""What is learnt on one dataset, is it worth anything on another? Every model on the test videos of every source."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from model_src.data.store import Store
from model_src.data.video import Split, Video
from model_src.studies.compare import Judgement, judge
from model_src.studies.material import store_of
from model_src.studies.remember import folder_name
from model_src.studies.study import device_of
from model_src.studies.table import NONE, Table, span
from model_src.studies.train_variant import train_variant
from model_src.studies.variant import StudyInvalid
from model_src.studies.video_score import score_once
from model_src.training.position import Diverged
from model_src.training.settings import TrainSettings

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Cell:
    learnt: str
    tested: str
    found: Judgement


def sources_of(videos: Sequence[Video], split: Split) -> list[str]:
    """The sources that have real and fake videos in the split: with one class there is nothing to tell apart."""
    labels: dict[str, set[int]] = {}
    for video in videos:
        if video.split == split:
            labels.setdefault(video.source, set()).add(video.label)
    return sorted(source for source, known in labels.items() if len(known) == 2)


def tested_sources(videos: Sequence[Video]) -> list[str]:
    sources = sources_of(videos, "test")
    if not sources:
        raise StudyInvalid("no source has real and fake test videos")
    return sources


def trained_per_source(
    settings: TrainSettings, videos: Sequence[Video], out: Path, data_root: Path | None
) -> dict[str, Path]:
    """A model for every source that has both classes to learn from and to be checked on."""
    sources = [source for source in sources_of(videos, "train") if source in sources_of(videos, "val")]
    if not sources:
        raise StudyInvalid("no source has real and fake videos both to train on and to validate on")
    models: dict[str, Path] = {}
    for source in sources:
        logger.info("training on %s", source)
        own = [video for video in videos if video.source == source]
        try:
            models[source] = train_variant(f"trained-on-{source}", settings, own, out, data_root)
        except Diverged as reason:
            logger.warning("%s: %s", source, reason)
    return models


def matrix(
    models: Mapping[str, Path], videos: Sequence[Video], store: Store | None, out: Path, device: str | None = None
) -> list[Cell]:
    """Models by their names, in rows; sources, in columns."""
    sources = tested_sources(videos)
    tested = [video for video in videos if video.split == "test" and video.source in sources]
    cells = []
    for name, checkpoint in models.items():
        scores = score_once(checkpoint, tested, store, out / "scores" / f"{folder_name(name)}.json", device).videos
        cells += [
            Cell(name, source, judge([score for score in scores if score.source == source])) for source in sources
        ]
    return cells


def cross(
    settings: TrainSettings, videos: Sequence[Video], out: Path, data_root: Path | None, given: Mapping[str, Path]
) -> list[Cell]:
    """Given models alone, where some are given; otherwise one trained on each source, all with the same settings."""
    tested_sources(videos)  # before hours of training
    models = given or trained_per_source(settings, videos, out, data_root)
    return matrix(models, videos, store_of(settings, data_root), out, device_of(settings))


def table_of(cells: Sequence[Cell]) -> Table:
    sources = list(dict.fromkeys(cell.tested for cell in cells))
    rows: dict[str, list[str]] = {}
    for cell in cells:
        rows.setdefault(cell.learnt, [cell.learnt]).append(shown(cell.found))
    return Table(
        "AUC of the model in the row on the test videos of the source in the column",
        ["learnt on", *sources],
        list(rows.values()),
        [{"learnt": cell.learnt, "tested": cell.tested, **cell.found.model_dump()} for cell in cells],
        ["In brackets: 95 %, bootstrap over identities."],
    )


def shown(found: Judgement) -> str:
    return NONE if found.auc is None else f"{found.auc:.3f} ({span(found.interval)})"
