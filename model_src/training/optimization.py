"""The optimiser and how its rate falls."""

from __future__ import annotations

from torch import nn
from torch.optim import AdamW, Optimizer
from torch.optim.lr_scheduler import CosineAnnealingWarmRestarts, LRScheduler, ReduceLROnPlateau, StepLR

from model_src.training.settings import OptimizerSettings, ScheduleSettings


def build_optimizer(model: nn.Module, settings: OptimizerSettings) -> AdamW:
    """AdamW over what is not frozen. Vectors (biases, normalisation) are not pulled towards zero."""
    learnt = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in learnt if p.dim() > 1], "weight_decay": settings.weight_decay},
        {"params": [p for p in learnt if p.dim() <= 1], "weight_decay": 0.0},
    ]
    return AdamW(groups, lr=settings.learning_rate)


class Schedule:
    """Moves the learning rate on, once after every epoch."""

    def __init__(self, optimizer: Optimizer, settings: ScheduleSettings) -> None:
        self._scheduler: LRScheduler | None = None
        if settings.kind == "cosine":
            self._scheduler = CosineAnnealingWarmRestarts(optimizer, settings.period, settings.lengthen)
        elif settings.kind == "plateau":
            self._scheduler = ReduceLROnPlateau(optimizer, "max", settings.factor, settings.patience)
        elif settings.kind == "step":
            self._scheduler = StepLR(optimizer, settings.period, settings.factor)

    def epoch_done(self, auc: float) -> None:
        if isinstance(self._scheduler, ReduceLROnPlateau):
            self._scheduler.step(auc)
        elif self._scheduler is not None:
            self._scheduler.step()

    def multiply_rate(self, times: float) -> None:
        """The rates that a schedule starts from again and again; those that are due are the optimiser's."""
        if self._scheduler is not None and hasattr(self._scheduler, "base_lrs"):
            self._scheduler.base_lrs = [rate * times for rate in self._scheduler.base_lrs]

    def state_dict(self) -> dict[str, object]:
        return {} if self._scheduler is None else self._scheduler.state_dict()

    def load_state_dict(self, state: dict[str, object]) -> None:
        if self._scheduler is not None:
            self._scheduler.load_state_dict(state)


def take_up_anew(optimizer: Optimizer, schedule: Schedule, settings: OptimizerSettings, begun_with: float) -> None:
    """After both were restored: they hold the rate and the decay of the run so far, and those of now are meant."""
    times = settings.learning_rate / begun_with
    for group in optimizer.param_groups:
        group |= {name: group[name] * times for name in ("lr", "initial_lr") if name in group}
    optimizer.param_groups[0]["weight_decay"] = settings.weight_decay
    schedule.multiply_rate(times)
