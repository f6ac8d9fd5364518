"""The model in service, judged on the very videos that the new one was judged on: would a change be worth it?"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from model_src.data.store import Store
from model_src.evaluation.difference import difference_in_auc
from model_src.evaluation.evaluate import NothingToCompare
from model_src.evaluation.score import Scored, collect, load_predictor, score_videos
from model_src.serving.package import read_archive
from model_src.training.ranking import roc_auc

logger = logging.getLogger(__name__)


def beside_the_one_in_service(archive: Path, judged: Sequence[Scored], store: Store | None) -> dict[str, Any] | None:
    """Its AUC, and by how much that of the new one is higher. None, and lines in the log, where it cannot be told: a
    model that has been learnt must not be lost over the one that it would replace."""
    try:
        return compared(archive, judged, store)
    except Exception:  # whatever it is: packaged by an older version, too large beside the other, no room to unpack it
        logger.exception("not compared with the model in service")
        return None


def compared(archive: Path, judged: Sequence[Scored], store: Store | None) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        read_archive(archive, Path(folder))
        predictor = load_predictor(Path(folder))
        others, _ = collect(score_videos(predictor, [entry.video for entry in judged], store))
    new = {entry.video.video_id: entry for entry in judged}
    labels = np.array([entry.video.label for entry in others], np.int64)
    if not 0 < labels.sum() < len(labels):
        raise NothingToCompare("The model in service can score no videos of both classes.")
    before = np.array([entry.scores.logit for entry in others])
    after = np.array([new[entry.video.video_id].scores.logit for entry in others])
    groups = [new[entry.video.video_id].group for entry in others]
    difference, interval = difference_in_auc(labels, after, before, groups)
    return {
        "model_version": predictor.model_version,
        "videos": len(others),
        "auc": roc_auc(labels, before),
        "difference": difference,
        "interval": interval,
    }
