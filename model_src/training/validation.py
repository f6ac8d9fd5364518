"""How well the model does on videos that it does not learn from."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch

from model_src.data.batch import Batch
from model_src.data.dataset import WindowDataset
from model_src.data.manifest import ManifestInvalid
from model_src.training.objective import Objective
from model_src.training.position import Diverged
from model_src.training.processes import Team
from model_src.training.ranking import roc_auc, video_means

logger = logging.getLogger(__name__)


def refuse_one_class(check: WindowDataset) -> None:
    if check.make_fake is None and len({video.label for video in check.videos}) < 2:
        raise ManifestInvalid("the validation videos must be real and fake: with one class there is no AUC")


@torch.no_grad()
def validate(
    objective: Objective, batches: Iterable[Batch], team: Team, precision: Callable[[], Any]
) -> dict[str, float]:
    """The loss per window, and the AUC per video (of the mean log-odds, as a verdict is formed) and per window."""
    objective.eval()
    mine: list[tuple[str, int, float, float]] = []
    skipped: list[str] = []
    for batch in batches:
        skipped += batch.skipped
        if not len(batch):
            continue
        batch = batch.to(team.device)
        with precision():
            _, losses, odds = objective(batch)
        loss = float(losses["main"])
        rows = zip(batch.video_ids, batch.label.tolist(), odds.tolist(), strict=True)
        mine += [(video_id, label, odd, loss) for video_id, label, odd in rows]
    found = team.gather(mine)
    skipped = team.gather(skipped)
    if skipped and team.leads:
        said = "validation: %d windows cannot be read and are left out, of %d videos, %s among them"
        logger.warning(said, len(skipped), len(set(skipped)), min(skipped))
    video_ids = [row[0] for row in found]
    labels, odds, losses_ = (np.array([row[place] for row in found]) for place in (1, 2, 3))
    if not np.isfinite(odds).all():
        raise Diverged("what the model says of the validation videos is no number: lower the learning rate")
    return {
        "val_loss": float(losses_.mean()),
        "auc": roc_auc(*video_means(video_ids, labels, odds)),
        "auc_windows": roc_auc(labels, odds),
    }
