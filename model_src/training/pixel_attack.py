"""Attacks on the picture: the smallest changes of pixels that make the model most wrong (FGSM and PGD).

Pixels are values from 0 to 255 before any normalisation, and sizes are in that unit: an attack stays within `epsilon`
of every pixel and within what a picture can hold. Nothing is random, so an attack can be repeated.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

WHITE = 255.0
STEP = 0.01 * WHITE  # of PGD: a hundredth of the whole range
STEPS = 10
LossOf = Callable[[Tensor], Tensor]  # crops float [B, T, H, W, 3] -> how wrong the model is about each window [B]


def uphill(loss_of: LossOf, crops: Tensor) -> tuple[Tensor, Tensor]:
    """The direction in which every pixel makes its window's loss larger, -1, 0 or 1, and that loss [B]."""
    with torch.enable_grad():
        asking = crops.detach().clone().requires_grad_()
        losses = loss_of(asking)  # [B]; windows do not touch each other, so the sum's gradient is each one's own
        (gradient,) = torch.autograd.grad(losses.sum(), asking)
    return gradient.sign(), losses.detach()


def within(changed: Tensor, crops: Tensor, epsilon: float) -> Tensor:
    """The nearest picture that is no further than epsilon from the original in any pixel."""
    return changed.clamp(crops - epsilon, crops + epsilon).clamp(0.0, WHITE)


def fgsm(loss_of: LossOf, crops: Tensor, epsilon: float) -> Tensor:
    """The whole epsilon at once, in the direction that hurts most at the start."""
    return within(crops + epsilon * uphill(loss_of, crops)[0], crops, epsilon)


def pgd(loss_of: LossOf, crops: Tensor, epsilon: float, steps: int = STEPS, step: float = STEP) -> Tensor:
    """Many smaller steps, each from where the last one led; of all places, each window keeps the one that hurt most."""
    here, worst = crops, crops
    most = torch.full((len(crops),), -torch.inf, device=crops.device)
    for _ in range(steps):
        direction, losses = uphill(loss_of, here)
        worst, most = keep_worse(worst, most, here, losses)
        here = within(here + step * direction, crops, epsilon)
    with torch.no_grad():
        losses = loss_of(here)
    return keep_worse(worst, most, here, losses)[0]


def keep_worse(worst: Tensor, most: Tensor, here: Tensor, losses: Tensor) -> tuple[Tensor, Tensor]:
    rows = (losses > most).view(-1, *[1] * (here.dim() - 1))  # [B, 1, ...]
    return torch.where(rows, here, worst), torch.maximum(losses, most)
