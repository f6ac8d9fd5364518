"""Lip sync: does the mouth move as the speech sounds, and if not, how late does the sound come?"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model_src.config.schema import LipSyncConfig
from model_src.models.windows import STEPS_PER_SECOND

STEP_MS = 1000 // STEPS_PER_SECOND
MOUTH_SIZE = (48, 72)  # height and width that a mouth is resized to


class Sync(NamedTuple):
    logit: Tensor  # [W], log-odds that lips and speech agree
    offset_ms: Tensor  # [W], positive: the sound comes late
    known: Tensor  # [W], false where no frame meets speech: nothing can be said


class MouthEncoder(nn.Module):
    """The mouth of an aligned crop, as a code: [N, C, H, W] -> [N, dim]."""

    def __init__(self, config: LipSyncConfig) -> None:
        super().__init__()
        self.box = config.mouth_box
        self.network = nn.Sequential(
            nn.Conv2d(3, 32, 5, stride=2, padding=2),
            nn.GroupNorm(4, 32),
            nn.ReLU(),
            nn.Conv2d(32, 64, 3, stride=2, padding=1),
            nn.GroupNorm(4, 64),
            nn.ReLU(),
            nn.Conv2d(64, 96, 3, stride=2, padding=1),
            nn.GroupNorm(4, 96),
            nn.ReLU(),
            nn.Flatten(),  # where a lip is matters as much as what it looks like: no pooling
        )
        self.projection = nn.Linear(96 * (MOUTH_SIZE[0] // 8) * (MOUTH_SIZE[1] // 8), config.dim)

    def forward(self, frames: Tensor) -> Tensor:
        height, width = frames.shape[2:]
        left, top, right, bottom = self.box
        mouth = frames[:, :3, int(top * height) : int(bottom * height), int(left * width) : int(right * width)]
        mouth = F.interpolate(mouth, size=MOUTH_SIZE, mode="bilinear", align_corners=False)  # [N, 3, 48, 72]
        return self.projection(self.network(mouth))  # [N, dim]


class LipSync(nn.Module):
    """Compares how the mouth moves with the speech around each frame, at every delay of the sound up to a bound."""

    delays: Tensor

    def __init__(self, audio_dim: int, config: LipSyncConfig) -> None:
        super().__init__()
        self.motion = nn.Conv1d(2 * config.dim, config.dim, kernel_size=3, padding=1)
        self.speech = nn.Conv1d(audio_dim, config.dim, kernel_size=5, padding=2)  # hears 100 ms
        self.sharpness = nn.Parameter(torch.tensor(5.0))  # cosine -> log-odds
        self.bias = nn.Parameter(torch.tensor(0.0))
        steps = config.max_offset_ms // STEP_MS
        self.register_buffer("delays", torch.arange(-steps, steps + 1), persistent=False)  # [L], in steps of 20 ms

    def forward(self, mouths: Tensor, frame_mask: Tensor, audio: Tensor, audio_mask: Tensor) -> Sync:
        """Mouth codes [W, T, M], mask [W, T], audio [W, A, U], mask [W, A] -> one answer per window."""
        agreement, known = self.agreement(mouths, frame_mask, audio, audio_mask)  # [W, L], [W, L]
        now = len(self.delays) // 2  # where the delay is zero
        logit = self.sharpness * agreement[:, now] + self.bias  # [W]
        weights = (self.sharpness.abs() * 4 * agreement).masked_fill(~known, -1e4).softmax(dim=1)  # [W, L]
        offset = (weights * self.delays.to(weights.dtype)).sum(dim=1) * STEP_MS  # [W]
        heard = known[:, now]  # [W]
        return Sync(logit.masked_fill(~heard, 0.0), offset.masked_fill(~heard, 0.0), heard)

    def agreement(self, mouths: Tensor, frame_mask: Tensor, audio: Tensor, audio_mask: Tensor) -> tuple[Tensor, Tensor]:
        """Mean cosine of mouth motion and speech at every delay: [W, L], and where there was anything to compare."""
        there = mouths * frame_mask.unsqueeze(-1)  # [W, T, M]
        pairs = frame_mask[:, 1:] & frame_mask[:, :-1]  # [W, T - 1]
        change = F.pad((there[:, 1:] - there[:, :-1]) * pairs.unsqueeze(-1), (0, 0, 1, 0))  # [W, T, M], first is zero
        moving = torch.cat([there, change], dim=-1).transpose(1, 2)  # [W, 2M, T]
        motion = F.normalize(self.motion(moving).transpose(1, 2), dim=-1)  # [W, T, M]

        voiced = (audio * audio_mask.unsqueeze(-1)).transpose(1, 2)  # [W, U, A]
        speech = F.normalize(self.speech(voiced).transpose(1, 2), dim=-1)  # [W, A, M]

        frames, steps = motion.shape[1], speech.shape[1]
        at = torch.arange(frames, device=audio.device) * STEPS_PER_SECOND // frames  # [T], the step a frame shows
        index = at.unsqueeze(1) + self.delays  # [T, L], the step to hear at each delay
        inside = (index >= 0) & (index < steps)  # [T, L]
        index = index.clamp(0, steps - 1)
        heard = audio_mask[:, index] & inside & frame_mask.unsqueeze(-1)  # [W, T, L]
        cosine = torch.einsum("wtm,wam->wta", motion, speech)  # [W, T, A]
        cosine = cosine.gather(2, index.expand(len(cosine), -1, -1))  # [W, T, L]
        count = heard.sum(dim=1)  # [W, L]
        return (cosine * heard).sum(dim=1) / count.clamp(min=1), count > 0


def mix(logits: Tensor, sync: Sync, weight: float) -> Tensor:
    """The fused answer with a share of the lip-sync score: p = (1 - w) p_fake + w (1 - p_sync), as logits [W, 2]."""
    real, fake = logits.softmax(dim=-1).unbind(dim=-1)  # [W], [W]
    in_sync, out_of_sync = torch.sigmoid(sync.logit), torch.sigmoid(-sync.logit)  # [W], [W]
    mixed = torch.stack([(1 - weight) * real + weight * in_sync, (1 - weight) * fake + weight * out_of_sync], dim=-1)
    return torch.where(sync.known.unsqueeze(-1), torch.log(mixed.clamp(min=1e-7)), logits)
