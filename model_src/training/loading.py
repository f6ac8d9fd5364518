"""From a dataset to batches, for learning and for checking."""

from __future__ import annotations

import torch
from torch.utils.data import DataLoader

from model_src.data.batch import Batch, collate
from model_src.data.dataset import WindowDataset
from model_src.data.order import EpochOrder
from model_src.training.position import Position
from model_src.training.processes import Team
from model_src.training.settings import TrainSettings


def order_of(settings: TrainSettings, items: int, position: Position, team: Team) -> EpochOrder:
    """What is left of the epoch that the run is in."""
    parts = settings.optimizer.accumulate
    return EpochOrder(
        items,
        settings.batch_size // parts,
        epoch=position.epoch,
        seed=settings.seed,
        first_step=position.step * parts,
        rank=team.rank,
        processes=team.size,
    )


def loader(settings: TrainSettings, dataset: WindowDataset, order: EpochOrder, team: Team) -> DataLoader[Batch]:
    return DataLoader(
        dataset,  # type: ignore[arg-type]
        batch_sampler=order,
        collate_fn=collate,
        num_workers=settings.num_workers,
        pin_memory=team.device.type == "cuda",
        generator=torch.Generator(),  # the loader's own draw must not move the run's random state
    )


def check_loader(settings: TrainSettings, dataset: WindowDataset, team: Team) -> DataLoader[Batch]:
    """Everything once, in order; each process its share."""
    order = EpochOrder(len(dataset), settings.batch_size, shuffle=False, rank=team.rank, processes=team.size)
    return loader(settings, dataset, order, team)
