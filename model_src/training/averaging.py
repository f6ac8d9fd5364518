"""The moving average of the weights: steadier than the weights of any one step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class AveragedWeights:
    """A copy of the model's state that follows it slowly; what is no floating point number is copied as it is."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.steps = 0
        self.state = {name: value.detach().clone() for name, value in model.state_dict().items()}

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """In the beginning the average follows faster: it should not remember the random start."""
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        for name, value in model.state_dict().items():
            if value.is_floating_point():
                self.state[name].lerp_(value, 1 - decay)
            else:
                self.state[name].copy_(value)

    @contextmanager
    def worn_by(self, model: nn.Module) -> Iterator[None]:
        """Within, the model has the averaged weights; afterwards its own again."""
        own = {name: value.detach().clone() for name, value in model.state_dict().items()}
        model.load_state_dict(self.state)
        try:
            yield
        finally:
            model.load_state_dict(own)

    def go_on_from(self, state: Mapping[str, Tensor], steps: int) -> None:
        for name, value in state.items():
            self.state[name].copy_(value)
        self.steps = steps
