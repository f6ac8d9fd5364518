"""An ensemble: several trained models, asked together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model_src.models.multimodal_model import MultimodalModel


class EnsembleAnswer(NamedTuple):
    fused: Tensor  # [B, 2], logits of the members' mean probability
    members: Tensor  # [M, B, 2], what each said: their spread is the ensemble's doubt


class Ensemble(nn.Module):
    """The mean probability of its members; they may differ in design as long as they take the same input."""

    def __init__(self, members: Sequence[MultimodalModel]) -> None:
        super().__init__()
        if not members:
            raise ValueError("an ensemble needs at least one model")
        self.members = nn.ModuleList(members)

    @property
    def models(self) -> list[MultimodalModel]:
        return [member for member in self.members if isinstance(member, MultimodalModel)]

    def forward(
        self, video: Tensor | None = None, audio: Tensor | None = None, **masks: Tensor | None
    ) -> EnsembleAnswer:
        """Takes what MultimodalModel takes: video [B, T, C, H, W], audio [B, S]."""
        members = torch.stack([member(video, audio, **masks) for member in self.models])  # [M, B, 2]
        mean = members.softmax(dim=-1).mean(dim=0)  # [B, 2]
        return EnsembleAnswer(torch.log(mean.clamp(min=torch.finfo(mean.dtype).tiny)), members)


def together(models: Sequence[MultimodalModel]) -> MultimodalModel | Ensemble:
    """One model as it is, several as an ensemble."""
    return models[0] if len(models) == 1 else Ensemble(models)


def members_of(model: MultimodalModel | Ensemble) -> list[MultimodalModel]:
    """The models behind one that may be several."""
    return model.models if isinstance(model, Ensemble) else [model]


def mean_log_odds(members: Tensor) -> Tensor:
    """Log-odds [M, ...] of each member -> those of their mean probability [...]; one member's stay what they are."""
    if len(members) == 1:
        return members[0]
    return F.logsigmoid(members).logsumexp(dim=0) - F.logsigmoid(-members).logsumexp(dim=0)
