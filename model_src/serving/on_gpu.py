"""A GPU that was promised: without it no model loads, and after a fault of it no more work is taken.

On a processor the same server would answer a hundred times later, and nobody would know why.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_src.serving.errors import ModelUnavailable

if TYPE_CHECKING:
    from model_src.serving.holder import ModelSource
    from model_src.serving.scorer import BatchScorer


@dataclass(frozen=True)
class OnGpuAlone:
    """A source of models that has none where there is no GPU."""

    source: ModelSource

    def exists(self) -> bool:
        return self.source.exists()

    def load(self) -> BatchScorer:
        import torch

        if not torch.cuda.is_available():
            raise ModelUnavailable(
                "A GPU is needed (AURA_NEEDS_GPU) and PyTorch finds none: "
                f"does the driver of this machine know CUDA {torch.version.cuda or '13'}?"
            )
        return self.source.load()

    def __str__(self) -> str:
        return str(self.source)


def is_lost(error: BaseException) -> bool:
    """An illegal access or a fault of the hardware leaves nothing on the GPU that this process could still use."""
    import torch

    return isinstance(error, torch.AcceleratorError)
