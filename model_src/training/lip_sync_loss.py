"""What teaches lips and speech to find each other: every mouth beside its own voice and the voices of all the others.

One yes or no per window is too little to learn it from: as long as neither the mouth nor the sound means anything yet,
no answer is better than "don't know", and there it stays. Which of so many voices belongs to this mouth is a question
whose first hints already pay.
"""

from __future__ import annotations

from typing import NamedTuple, Self

import torch
import torch.nn.functional as F
from torch import Tensor

from model_src.data.sample import UNKNOWN
from model_src.models.lip_sync import Codes, LipSync
from model_src.training.processes import Team


class Talking(NamedTuple):
    """The windows of one process's share of a batch."""

    codes: Codes
    in_sync: Tensor  # [W]: 1, 0 or UNKNOWN
    clips: list[str]  # W names; windows of one clip are no strangers to each other

    def sent(self) -> Self:
        """To learn beside, not to learn from: without gradients, and on no device."""
        codes = Codes(*(code.detach().cpu() for code in self.codes))
        return self._replace(codes=codes, in_sync=self.in_sync.cpu())

    def to(self, device: torch.device) -> Self:
        codes = Codes(*(code.to(device) for code in self.codes))
        return self._replace(codes=codes, in_sync=self.in_sync.to(device))


def lip_sync_loss(head: LipSync, mine: Talking, team: Team) -> Tensor:
    """Mean over the windows of all processes; its gradients are right once the team has averaged them."""
    parts = [part.to(mine.in_sync.device) for part in team.gather([mine.sent()])] if team.size > 1 else [mine]
    parts[team.rank] = mine
    loss = among(head, parts)
    # Each process knows the gradients of its own windows alone, so the team's mean of them is too small by its size.
    return loss + (team.size - 1) * (loss - loss.detach())


def among(head: LipSync, parts: list[Talking]) -> Tensor:
    speech = torch.cat([part.codes.speech for part in parts])  # [N, A, M]
    spoken = torch.cat([part.codes.spoken for part in parts])  # [N, A]
    rows = [head.of_all_pairs(part.codes.motion, part.codes.shown, speech, spoken) for part in parts]
    scores, known = (torch.cat(blocks) for blocks in zip(*rows, strict=True))  # [N, N], [N, N]
    in_sync = torch.cat([part.in_sync for part in parts])  # [N]
    itself = torch.eye(len(scores), dtype=torch.bool, device=scores.device)
    genuine = (in_sync == 1) & known.diagonal()  # [N]
    strangers = known & genuine.unsqueeze(0) & genuine.unsqueeze(1) & _of_other_clips(parts).to(scores.device)  # [N, N]

    own = F.binary_cross_entropy_with_logits(scores.diagonal(), in_sync.clamp(min=0).to(scores), reduction="none")
    own = own * (known.diagonal() & (in_sync != UNKNOWN))  # [N]: together or not, where that is known
    others = (F.softplus(scores) * strangers).sum(dim=1) / strangers.sum(dim=1).clamp(min=1)  # [N]: not together
    candidates = scores.masked_fill(~(strangers | itself), float("-inf"))  # [N, N]
    voice, mouth = (-candidates.log_softmax(dim=dim).diagonal() * genuine for dim in (1, 0))  # [N]: which one is mine?
    return (own + others + (voice + mouth) / 2).mean()


def _of_other_clips(parts: list[Talking]) -> Tensor:
    clips = [clip for part in parts for clip in part.clips]
    number = {clip: place for place, clip in enumerate(dict.fromkeys(clips))}
    numbers = torch.tensor([number[clip] for clip in clips])  # [N]
    return numbers.unsqueeze(0) != numbers.unsqueeze(1)  # [N, N]
