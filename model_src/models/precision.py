"""Float32 with all of its digits on the way forward, whatever mixed precision is on around it.

bfloat16 keeps 8 bits of a number, and a GPU's convolutions keep 11 even of float32. That is enough for most of what a
network looks at, and too few where it takes a small difference of large numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def in_full(device: torch.device) -> Iterator[None]:
    convolutions = torch.backends.cudnn
    before = convolutions.allow_tf32
    convolutions.allow_tf32 = False
    try:
        with torch.autocast(device.type, enabled=False):
            yield
    finally:
        convolutions.allow_tf32 = before
