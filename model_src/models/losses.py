"""Losses beside the cross-entropy, and how they are weighed against it."""

from __future__ import annotations

import logging
from typing import Literal

import torch
from torch import Tensor, nn

logger = logging.getLogger(__name__)


class TemporalConsistencyLoss(nn.Module):
    """Penalises embeddings that jump from frame to frame, measured by how much they vary over the window at all.

    Per sample: mean over t and d of (f(t+1) - f(t))², divided by max(mean over t and d of (f - its mean over t)², eps).
    Dividing makes it blind to scale: shrinking every embedding does not lower it. `normalize=False` leaves that out.
    """

    def __init__(self, reduction: Literal["mean", "sum"] = "mean", normalize: bool = True, eps: float = 1e-8) -> None:
        super().__init__()
        if reduction not in ("mean", "sum"):
            raise ValueError(f"reduction must be 'mean' or 'sum', not {reduction!r}")
        if eps <= 0:
            raise ValueError(f"eps must be positive, not {eps}")
        self.reduction = reduction
        self.normalize = normalize
        self.eps = eps

    def forward(self, frame_embeddings: Tensor) -> Tensor:
        """[B, T, D] with T >= 2 -> a scalar, in at least single precision: squares overflow half of it."""
        if frame_embeddings.dim() != 3:
            raise ValueError(f"frame embeddings must be [B, T, D], not {list(frame_embeddings.shape)}")
        if frame_embeddings.shape[1] < 2:
            raise ValueError(f"temporal consistency needs at least 2 frames, not {frame_embeddings.shape[1]}")
        if not frame_embeddings.is_floating_point():
            raise ValueError(f"frame embeddings must be floating point, not {frame_embeddings.dtype}")
        frames = frame_embeddings.to(torch.promote_types(frame_embeddings.dtype, torch.float32))
        loss = (frames[:, 1:] - frames[:, :-1]).square().mean(dim=(1, 2))  # [B]
        if self.normalize:
            spread = (frames - frames.mean(dim=1, keepdim=True)).square().mean(dim=(1, 2))  # [B]
            loss = loss / spread.clamp(min=self.eps)
        return loss.sum() if self.reduction == "sum" else loss.mean()

    def extra_repr(self) -> str:
        return f"reduction={self.reduction!r}, normalize={self.normalize}, eps={self.eps}"


class AuxiliaryLossWeighter:
    """The total loss: the main one plus each auxiliary one times the weight it was registered with."""

    def __init__(self) -> None:
        self.weights: dict[str, float] = {}

    def add_loss(self, name: str, weight: float = 0.1) -> None:
        """Registers an auxiliary loss, or gives a registered one another weight. Zero switches it off."""
        if not weight >= 0 or weight == float("inf"):  # written so that NaN is refused too
            raise ValueError(f"the weight of {name!r} must be a finite number and not negative, got {weight}")
        self.weights[name] = float(weight)

    def compute_total_loss(self, main_loss: Tensor, **auxiliary: Tensor | None) -> Tensor:
        """A loss that is None did not apply to this batch and is left out."""
        self._refuse_unregistered(auxiliary)
        total = main_loss
        for name, loss in auxiliary.items():
            if loss is not None and self.weights[name] > 0:
                total = total + self.weights[name] * loss
        return total

    def log_losses(self, main_loss: Tensor, step: int, **auxiliary: Tensor | None) -> dict[str, float]:
        """Logs and returns every loss before weighting, and their weighted total."""
        values = {"main": main_loss.item()}
        values |= {name: loss.item() for name, loss in auxiliary.items() if loss is not None}
        values["total"] = self.compute_total_loss(main_loss, **auxiliary).item()
        logger.info("step %d: %s", step, ", ".join(f"{name} {value:.4f}" for name, value in values.items()))
        return values

    def _refuse_unregistered(self, auxiliary: dict[str, Tensor | None]) -> None:
        unknown = sorted(set(auxiliary) - set(self.weights))
        if unknown:
            raise ValueError(f"no weight was registered for {', '.join(unknown)}; call add_loss first")
