"""Windows spread evenly over videos, as batches: what a study that needs gradients looks at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch.utils.data import DataLoader
from tqdm import tqdm

from model_src.data.batch import Batch, collate
from model_src.data.dataset import WindowDataset
from model_src.data.extract import usable
from model_src.data.order import EpochOrder
from model_src.data.source import OnTheFly, Preextracted
from model_src.data.store import Store
from model_src.data.video import Video
from model_src.evaluation.counted import left_out


def even_windows(
    videos: Sequence[Video], store: Store | None, windows: int, batch_size: int, device: str
) -> tuple[list[Video], Iterator[Batch], list[str]]:
    """The videos that have windows, batches of them on the device, and what has to be said about the others."""
    chosen, missing = (list(videos), {}) if store is None else usable(videos, store)
    source = OnTheFly() if store is None else Preextracted(store)
    dataset = WindowDataset(chosen, source, sampling="uniform", windows_per_video=windows, checks=True)
    order = EpochOrder(len(dataset), batch_size, shuffle=False)
    loader: DataLoader[Batch] = DataLoader(dataset, batch_sampler=order, collate_fn=collate)  # type: ignore[arg-type]
    place = torch.device(device)
    shown = tqdm(loader, total=len(order), desc="attacking", leave=False)
    batches = (batch.to(place) for batch in shown if len(batch))  # some hold nothing that could be read
    return chosen, batches, left_out(missing)
