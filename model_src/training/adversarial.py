"""Learning from pictures that were attacked: part of every batch is changed against the model before it is learnt."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model_src.data.batch import Batch
from model_src.models import MultimodalModel
from model_src.training.objective import run
from model_src.training.pixel_attack import LossOf, fgsm, pgd
from model_src.training.settings import AdversarialSettings


def loss_of_crops(model: MultimodalModel, batch: Batch) -> LossOf:
    """How wrong the fused answer is, as a function of the batch's pixels alone, through the real preprocessing."""
    if not model.config.enable_video:
        raise ValueError("the model does not look at the picture: there are no pixels to attack it through")

    def loss_of(crops: Tensor) -> Tensor:
        logits = run(model, replace(batch, crops=crops)).windows.fused
        return F.cross_entropy(logits.float(), batch.label, reduction="none")  # [B]

    return loss_of


def attacked(model: MultimodalModel, batch: Batch, settings: AdversarialSettings) -> Batch:
    """The batch with its first windows changed against the model, and the rest as it was."""
    count = round(settings.share * len(batch))
    if count == 0:
        return batch
    part = batch.first(count)
    with answering(model):
        loss_of, crops = loss_of_crops(model, part), part.crops.float()
        if settings.steps == 1:
            changed = fgsm(loss_of, crops, settings.epsilon)
        else:
            changed = pgd(loss_of, crops, settings.epsilon, settings.steps, settings.step)
    return replace(batch, crops=torch.cat([changed, batch.crops[count:].float()]))


@contextmanager
def answering(model: nn.Module) -> Iterator[None]:
    """Without dropout and with fixed statistics, as it will be attacked; each module goes back to how it was."""
    before = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, training in before.items():
            module.training = training
