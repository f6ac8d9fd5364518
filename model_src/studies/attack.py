"""How little has to be changed in the picture for the model to be wrong: FGSM and PGD at several sizes.

The attacker knows the weights and the label and changes the pixels of the face crops; the sound stays as it is. Windows
are taken evenly from each video and attacked each for itself; a video's score is the mean over them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from model_src.data.batch import Batch
from model_src.data.identities import group_names
from model_src.data.video import Video
from model_src.evaluation.difference import RESAMPLES
from model_src.models import MultimodalModel
from model_src.models.heads import log_odds
from model_src.studies.compare import Judgement, judge
from model_src.studies.table import JUDGED, STAR, Table, share
from model_src.studies.video_score import VideoScore, in_short_of
from model_src.training.adversarial import loss_of_crops
from model_src.training.objective import run
from model_src.training.pixel_attack import STEPS, fgsm, pgd

EPSILONS = (1.0, 2.0, 4.0, 8.0, 12.75)  # of 255; the last is 5 % of the range
KINDS = ("FGSM", "PGD")
Setting = tuple[str, float]  # kind of attack, epsilon
CLEAN: Setting = ("clean", 0.0)


@dataclass(frozen=True)
class Attacked:
    kind: str
    epsilon: float
    largest: float  # change of a pixel that was made
    accuracy: float  # share of the videos on the right side of even odds
    found: Judgement

    def record(self) -> dict[str, Any]:
        about: dict[str, Any] = {"attack": self.kind, "epsilon": self.epsilon, "largest_change": self.largest}
        about |= {"accuracy": self.accuracy}
        return about | self.found.model_dump()


def attack(
    model: MultimodalModel,
    batches: Iterable[Batch],
    videos: Sequence[Video],
    *,
    epsilons: Sequence[float] = EPSILONS,
    steps: int = STEPS,
    resamples: int = RESAMPLES,
) -> list[Attacked]:
    """The unchanged videos first, then every kind of attack at every size."""
    odds: dict[Setting, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    largest: dict[Setting, float] = defaultdict(float)
    for batch in batches:
        for setting, crops in changed_crops(model, batch, epsilons, steps):
            largest[setting] = max(largest[setting], float((crops - batch.crops).abs().max()))
            for video_id, value in zip(batch.video_ids, answers(model, batch, crops), strict=True):
                odds[setting][video_id].append(value)
    scores = {setting: scored(found, videos) for setting, found in odds.items()}
    return [
        Attacked(
            *setting,
            largest[setting],
            float(np.mean([(score.logit > 0) == bool(score.label) for score in found])),
            judge(found, scores[CLEAN] if setting != CLEAN else (), resamples=resamples),
        )
        for setting, found in scores.items()
    ]


def changed_crops(
    model: MultimodalModel, batch: Batch, epsilons: Sequence[float], steps: int
) -> Iterable[tuple[Setting, Tensor]]:
    loss_of, crops = loss_of_crops(model, batch), batch.crops.float()  # [B, T, H, W, 3]
    yield CLEAN, crops
    for epsilon in epsilons:
        yield ("FGSM", epsilon), fgsm(loss_of, crops, epsilon)
    for epsilon in epsilons:
        yield ("PGD", epsilon), pgd(loss_of, crops, epsilon, steps)


@torch.no_grad()
def answers(model: MultimodalModel, batch: Batch, crops: Tensor) -> list[float]:
    return log_odds(run(model, replace(batch, crops=crops)).windows.fused).double().tolist()  # [B]


def scored(odds: Mapping[str, Sequence[float]], videos: Sequence[Video]) -> list[VideoScore]:
    home = group_names(videos)
    return [
        in_short_of(video, home[video.video_id], float(np.mean(odds[video.video_id])))
        for video in videos
        if video.video_id in odds
    ]


def table_of(rows: Sequence[Attacked], title: str, notes: Sequence[str] = ()) -> Table:
    def name(row: Attacked) -> str:
        return "unchanged" if row.kind == CLEAN[0] else f"{row.kind} {row.epsilon:g}/255"

    return Table(
        title,
        ["attack", *JUDGED, "accuracy"],
        [[name(row), *(form(row.found) for form in JUDGED.values()), share(row.accuracy)] for row in rows],
        [row.record() for row in rows],
        [STAR, *notes],
    )
