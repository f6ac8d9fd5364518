"""A network at a few fixed batch sizes, each recorded once as a CUDA graph.

Launching a network's hundreds of kernels one by one takes the host longer than a fast GPU takes to run them; a recorded
graph is one launch. torch.compile would also fuse kernels, and needs a compiler in the image and minutes at each start.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from model_src.serving.logs import logger

Network = Callable[[Tensor], tuple[Tensor, ...]]
WARM_UPS = 3  # before a recording: libraries choose their kernels in the first runs


class Recorded:
    """Rows [N, ...] -> the network's outputs [N, ...] in float32, however many rows there are."""

    def __init__(self, name: str, network: Network, row: Tensor, sizes: Sequence[int]) -> None:
        """`row` [...] is an example of one; it says which device the network is on."""
        self._sizes = sorted(sizes)
        self._runs: dict[int, Network] = {}
        pool = torch.cuda.graph_pool_handle() if row.is_cuda else None
        for size in reversed(self._sizes):  # the largest first: the others live in the memory it took
            example = row.expand(size, *row.shape).contiguous()
            try:
                self._runs[size] = record(network, example, pool)
            except RuntimeError as error:
                logger.warning("runs unrecorded", extra={"network": name, "rows": size, "reason": str(error)})
                self._runs[size] = network
                pool = torch.cuda.graph_pool_handle() if row.is_cuda else None  # what broke may still hold the other

    def __call__(self, rows: Tensor) -> list[Tensor]:
        parts = [self._run(piece) for piece in rows.split(self._sizes[-1])]
        return [torch.cat(outputs) for outputs in zip(*parts, strict=True)]

    def _run(self, rows: Tensor) -> list[Tensor]:
        size = next(size for size in self._sizes if size >= len(rows))
        filled = torch.cat([rows, rows.new_zeros(size - len(rows), *rows.shape[1:])])
        # A copy: the next run of the recording writes over its outputs.
        return [output[: len(rows)].to(torch.float32, copy=True) for output in self._runs[size](filled)]


def record(network: Network, example: Tensor, pool: Any) -> Network:
    """The network as one launch for rows like the example; raises RuntimeError where that cannot be."""
    if not example.is_cuda:
        raise RuntimeError("CUDA graphs need a CUDA device.")
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(WARM_UPS):
            network(example)
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.stream(torch.cuda.current_stream()), torch.cuda.graph(graph, pool=pool):  # back here if it breaks
        outputs = network(example)

    def replay(rows: Tensor) -> tuple[Tensor, ...]:
        example.copy_(rows)
        graph.replay()
        return outputs

    return replay
