"""What packaging found out about running a model: which backends agree with PyTorch, and how fast each is."""

from __future__ import annotations

from collections.abc import Collection

from pydantic import BaseModel, ConfigDict, Field

from model_src.serving.backends import Backend


class Measured(BaseModel):
    """One backend on the probe chunk."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    backend: Backend
    milliseconds: float = Field(gt=0, description="median time of the probe chunk, start to end")
    difference: float = Field(ge=0, description="largest difference of a window's probability from PyTorch in float32")
    same_class: bool = Field(description="whether every window kept its class")
    bound: float = Field(description="the difference that is allowed")

    @property
    def passed(self) -> bool:
        return self.same_class and self.difference <= self.bound


class Plan(BaseModel):
    """Every backend as measured at packaging, and what the probe chunk has to score wherever the model is served."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reference: list[float] = Field(description="probabilities of the probe chunk by PyTorch in float32")
    measured: list[Measured]

    def fastest(self, usable: Collection[Backend]) -> Backend:
        """The quickest that agreed and that this machine can run; PyTorch itself where there is no other."""
        fit = [found for found in self.measured if found.passed and found.backend in usable]
        return min(fit, key=lambda found: found.milliseconds).backend if fit else "torch"
