"""On what the network is computed: the best there is here, or what was asked for if it can be."""

from __future__ import annotations

import torch


class NoSuchDevice(ValueError):
    """Nothing can be computed on the device that was asked for."""


def best_device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"


def device_named(name: str) -> torch.device:
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError) as error:  # the latter from a torch that was built for processors alone
        raise NoSuchDevice(
            f"nothing can be computed on {name!r} here: use cpu, or cuda on a machine with a GPU"
        ) from error
