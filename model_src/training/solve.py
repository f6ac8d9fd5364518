"""Where one linear layer is all that learns, it is solved for: no rate, no luck, the same answer every time.

Windows are drawn and forged as in any training, and each is looked at once. How strongly the weights are pulled
towards zero is chosen by the people: a part of them is left out of the fit in turn, and what is then said of them is
kept, since it tells what the model is worth on people whom it has never seen.
"""

from __future__ import annotations

import csv
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from tqdm import tqdm

from model_src.data.batch import Batch
from model_src.data.dataset import WindowDataset
from model_src.data.identities import group_names
from model_src.data.sample import FORGED
from model_src.data.spreadsheet import as_text
from model_src.models import MultimodalModel
from model_src.models.heads import FAKE, REAL
from model_src.training.loading import check_loader, loader, order_of
from model_src.training.logistic import Floats, log_losses, logistic_regression
from model_src.training.objective import Objective, frames_of
from model_src.training.position import Position
from model_src.training.processes import Team
from model_src.training.ranking import group_means, roc_auc, video_means
from model_src.training.settings import TrainSettings
from model_src.training.validation import refuse_one_class, validate

# Held back less, the layer learns how these forgeries were made: people left out still gain a little by it, fakes from
# elsewhere are told worse (STUDY.md).
RIDGES = (0.1, 0.03, 0.01, 0.003, 0.001)
PARTS = 7  # of the people, one of which is left out at a time
TOGETHER = 256  # windows that go through the temporal encoder at once
HELD_BACK = "held_back.csv"
logger = logging.getLogger(__name__)


class CannotSolve(ValueError):
    """There is more to learn than one layer, or nobody to leave out."""


@dataclass(frozen=True, eq=False)
class Windows:
    """N windows as the frozen encoder sees them."""

    frames: Tensor  # half precision [N, T, D'], as the temporal encoder takes them
    mask: Tensor  # bool [N, T]
    label: Floats  # [N], 0 real and 1 fake
    video_ids: list[str]


def solve(
    settings: TrainSettings, model: MultimodalModel, learn: WindowDataset, check: WindowDataset, device: torch.device
) -> dict[str, float]:
    """Sets the weights of the picture's head, writes what was said of the people left out, and tells how good it is."""
    refuse_what_else_learns(model)
    people = group_names(learn.videos)
    if len(set(people.values())) < 2:
        raise CannotSolve("solve: with a single person there is nobody to leave out")
    refuse_one_class(check)
    model.to(device).eval()
    with usual_values(model.video_encoder.regions):  # epoch 0 only tells what faces usually look like
        for batch in epoch(settings, learn, 0):
            shown_of(model, batch.to(device))
    seen = look(settings, model, learn, device)
    features = features_of(model, seen, device)  # [N, G]
    whose = np.array([people[video_id.removesuffix(FORGED)] for video_id in seen.video_ids])

    unseen = {ridge: said_of_people_left_out(features, seen.label, whose, ridge) for ridge in RIDGES}
    losses = {ridge: losses_of_people(seen, whose, odds) for ridge, odds in unseen.items()}
    for each, loss in losses.items():
        logger.info("ridge %g: loss of the verdicts on people left out %.4f", each, loss.mean())
    ridge = strongest_as_good(losses)
    put_into(model.video_head.output, fitted(features, seen.label, ridge))

    labels, odds = video_means(seen.video_ids, seen.label, unseen[ridge])
    write_held_back(settings.keep.folder / HELD_BACK, sorted(set(seen.video_ids)), labels, odds)
    objective = Objective(model, settings.loss)
    found = validate(objective, check_loader(settings, check, Team(device=device)), Team(device=device), nullcontext)
    return found | {
        "windows": len(seen.label),
        "ridge": ridge,
        "held_back_loss": float(losses[ridge].mean()),
        "held_back_auc": roc_auc(labels, odds),
        "held_back_auc_windows": roc_auc(seen.label, unseen[ridge]),
    }


def refuse_what_else_learns(model: MultimodalModel) -> None:
    """Nothing ever stands in for the only sense there is, so its token does not learn."""
    if model.config.enable_audio or not model.config.enable_video:
        raise CannotSolve("solve: only a model of the picture alone can be solved for")
    learnt = {name.rpartition(".")[0] for name, parameter in model.named_parameters() if parameter.requires_grad}
    others = sorted(learnt - {"missing_video", "video_head.output"})
    if others:
        raise CannotSolve(f"solve: all but one linear layer must be frozen, and these would learn, too: {others}")


@contextmanager
def usual_values(module: nn.Module | None) -> Iterator[None]:
    """Within, its normalisation layers take the plain mean over everything that passes, however much that is."""
    layers = [] if module is None else [m for m in module.modules() if isinstance(m, nn.BatchNorm1d)]
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # PyTorch's word for the mean over all
    if module is not None:
        module.train()
    yield
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
    if module is not None:
        module.eval()


def epoch(settings: TrainSettings, learn: WindowDataset, number: int) -> Iterator[Batch]:
    order = order_of(settings, len(learn), Position(epoch=number), Team())
    yield from tqdm(loader(settings, learn, order, Team()), desc=f"epoch {number}", leave=False)


@torch.no_grad()
def shown_of(model: MultimodalModel, batch: Batch) -> Tensor:
    """[B, T, D'], as the temporal encoder takes them."""
    frames = frames_of(model, batch)  # [B, T, C, 224, 224]
    embeddings = model.encode_frames(frames.flatten(0, 1)).embeddings.unflatten(0, frames.shape[:2])
    return model.temporal.with_points(embeddings, batch.points_in_video)


def look(settings: TrainSettings, model: MultimodalModel, learn: WindowDataset, device: torch.device) -> Windows:
    """Every window of the epochs to learn from that has enough frames, through the encoder once."""
    frames: list[Tensor] = []
    mask: list[Tensor] = []
    label: list[int] = []
    video_ids: list[str] = []
    for number in range(1, settings.stop.epochs + 1):
        for batch in epoch(settings, learn, number):
            enough = model.temporal.enough(batch.frame_mask)  # [B]
            frames.append(shown_of(model, batch.to(device)).half().cpu()[enough])
            mask.append(batch.frame_mask[enough])
            label += batch.label[enough].tolist()
            video_ids += [video_id for video_id, kept in zip(batch.video_ids, enough.tolist(), strict=True) if kept]
    return Windows(torch.cat(frames), torch.cat(mask), np.array(label, np.float64), video_ids)


@torch.no_grad()
def features_of(model: MultimodalModel, seen: Windows, device: torch.device) -> Floats:
    """What the head reads, [N, G]: first it is found out what that usually is."""

    def through() -> Iterator[Tensor]:
        for frames, mask in zip(seen.frames.split(TOGETHER), seen.mask.split(TOGETHER), strict=True):
            yield model.temporal(frames.to(device).float(), mask.to(device))

    with usual_values(model.temporal):
        for _ in through():
            pass
    return torch.cat(list(through())).cpu().numpy().astype(np.float64)


def said_of_people_left_out(features: Floats, label: Floats, whose: NDArray, ridge: float) -> Floats:
    """[N], log-odds of every window by a fit without anybody of its person's part."""
    odds = np.empty(len(label))
    for part in np.array_split(np.unique(whose), PARTS):
        asked = np.isin(whose, part)
        if asked.any():
            odds[asked] = said(features[asked], fitted(features[~asked], label[~asked], ridge))
    return odds


def losses_of_people(seen: Windows, whose: NDArray, odds: Floats) -> Floats:
    """[P], what the verdicts on each person cost, once calibrated: a verdict is what is shipped, not windows."""
    labels, means = video_means(seen.video_ids, seen.label, odds)  # [V], of the ids in their order
    calibrated = said(means[:, None], fitted(means[:, None], labels, RIDGES[-1]))
    _, first = np.unique(seen.video_ids, return_index=True)  # [V], a window of each
    return group_means(whose[first], log_losses(calibrated, labels.astype(np.float64)))


def strongest_as_good(losses: Mapping[float, Floats]) -> float:
    """The strongest ridge that is not worse than the best by more than people make it look by chance.

    What a weaker one adds then is how these forgeries were made, and not what fakes have in common.
    """
    best = losses[min(losses, key=lambda ridge: losses[ridge].mean())]  # [P]

    def as_good(loss: Floats) -> bool:
        worse = loss - best
        return bool(worse.mean() <= worse.std() / np.sqrt(max(len(worse) - 1, 1)))

    return max(ridge for ridge, loss in losses.items() if as_good(loss))


def fitted(features: Floats, label: NDArray, ridge: float) -> Floats:
    """[G + 1], the weights and the bias, which alone is free."""
    columns = np.column_stack([features, np.ones(len(features))])
    return logistic_regression(columns, label.astype(np.float64), ridge=[*[ridge] * features.shape[1], 0.0])


def said(features: Floats, weights: Floats) -> Floats:
    """Log-odds [N] by weights that `fitted` found."""
    return features @ weights[:-1] + weights[-1]


@torch.no_grad()
def put_into(layer: nn.Linear, weights: Floats) -> None:
    """The answer is the difference of two logits: each takes a half."""
    half = torch.from_numpy(weights / 2).to(layer.weight)
    for row, sign in ((REAL, -1), (FAKE, 1)):
        layer.weight[row] = sign * half[:-1]
        layer.bias[row] = sign * half[-1]


def write_held_back(path: Path, video_ids: Sequence[str], labels: NDArray, odds: NDArray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["video_id", "label", "log_odds"])
        rows.writerows(zip(map(as_text, video_ids), labels.tolist(), odds.tolist(), strict=True))
