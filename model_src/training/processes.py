"""One process or several, as torchrun starts them; a run in a single process needs no set-up at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from model_src.models.device import best_device, device_named
from model_src.models.video_encoder import VideoEncoder


@dataclass(frozen=True)
class Team:
    """Which of how many processes this one is."""

    rank: int = 0
    size: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @property
    def leads(self) -> bool:
        """The one process that writes files and speaks on the terminal."""
        return self.rank == 0

    def share(self, module: nn.Module) -> nn.Module:
        """Gradients are averaged over the team; alone, nothing changes."""
        if self.size == 1:
            return module
        if self.device.type == "cuda":
            share_statistics(module)
        # Without sound in a batch, the audio head gets no gradient: that is no error.
        return DistributedDataParallel(module, find_unused_parameters=True)

    def gather(self, mine: list[Any]) -> list[Any]:
        """Everybody's lists, one after the other; the same in every process."""
        if self.size == 1:
            return mine
        parts: list[list[Any] | None] = [None] * self.size
        distributed.all_gather_object(parts, mine)
        return [entry for part in parts for entry in part or []]

    def any(self, flag: bool) -> bool:
        return any(self.gather([flag]))


def share_statistics(module: nn.Module) -> None:
    """Every process's part of a batch counts in what a backbone normalises by.

    What normalises regions and their change stays each process's own (the leader's are kept): change is looked at in
    those rows alone that have something to compare, and who waits for a process that has none waits for ever.
    """
    for part in module.modules():
        if isinstance(part, VideoEncoder):
            part.share_statistics()


@contextmanager
def join_team(device: str) -> Iterator[Team]:
    """Joins the others where torchrun's environment says that there are some."""
    chosen = best_device() if device == "auto" else device
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield Team(device=device_named(chosen))
        return
    if chosen == "cuda":
        chosen = f"cuda:{os.environ['LOCAL_RANK']}"
        torch.cuda.set_device(device_named(chosen))
    distributed.init_process_group("nccl" if chosen.startswith("cuda") else "gloo")
    try:
        yield Team(distributed.get_rank(), size, torch.device(chosen))
    finally:
        distributed.destroy_process_group()
