"""In which order items are dealt: a function of seed and epoch alone, so that a run can go on in the middle of one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from torch.utils.data import Sampler

Place = tuple[int, int]  # epoch, number of the item


class EpochOrder(Sampler[list[Place]]):
    """Batches of item numbers of one epoch, from `first_step` on; each of several processes takes its share of a batch.

    The last, incomplete batch of a shuffled epoch is left out: a step is as large as it says. In order, it stays.
    """

    def __init__(
        self,
        items: int,
        batch_size: int,
        *,
        epoch: int = 0,
        seed: int = 0,
        shuffle: bool = True,
        first_step: int = 0,
        rank: int = 0,
        processes: int = 1,
    ) -> None:
        if batch_size % processes:
            raise ValueError(f"a batch of {batch_size} cannot be shared evenly by {processes} processes")
        self.items, self.batch_size = items, min(batch_size, items - items % processes)
        if self.batch_size < 1:
            raise ValueError(f"{items} items are too few for {processes} processes")
        self.epoch, self.seed, self.shuffle = epoch, seed, shuffle
        self.first_step, self.rank, self.processes = first_step, rank, processes

    @property
    def steps(self) -> int:
        """Batches in the whole epoch."""
        return self.items // self.batch_size if self.shuffle else -(-self.items // self.batch_size)

    def __len__(self) -> int:
        return max(self.steps - self.first_step, 0)

    def __iter__(self) -> Iterator[list[Place]]:
        numbers = np.arange(self.items)
        if self.shuffle:
            numbers = np.random.default_rng([self.seed, self.epoch]).permutation(self.items)
        for step in range(self.first_step, self.steps):
            batch = numbers[step * self.batch_size : (step + 1) * self.batch_size]
            mine = batch[self.rank :: self.processes]
            if len(mine):  # the last batch in order may be too small for everybody
                yield [(self.epoch, int(number)) for number in mine]
