"""Lip sync: does the mouth move as the speech sounds, and if not, how late does the sound come?"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model_src.config.schema import LipSyncConfig
from model_src.models.shrink import shrink
from model_src.models.windows import STEPS_PER_SECOND

STEP_MS = 1000 // STEPS_PER_SECOND
MOUTH_SIZE = (48, 72)  # height and width that a mouth is resized to
STILL = 1e-4  # squared size of a change that is none


class Codes(NamedTuple):
    """Mouth motion and speech in their common space."""

    motion: Tensor  # [W, T, M]
    speech: Tensor  # [W, A, M]
    shown: Tensor  # [W, T]
    spoken: Tensor  # [W, A]


class Sync(NamedTuple):
    logit: Tensor  # [W], log-odds that lips and speech agree
    offset_ms: Tensor  # [W], positive: the sound comes late
    known: Tensor  # [W], false where too few frames meet speech: nothing can be said
    codes: Codes


class MouthEncoder(nn.Module):
    """The mouth of an aligned crop, as a code: [N, C, H, W] -> [N, dim]."""

    def __init__(self, config: LipSyncConfig) -> None:
        super().__init__()
        self.box = config.mouth_box
        self.network = nn.Sequential(
            *shrink(3, 32, size=5),
            *shrink(32, 64, size=3),
            *shrink(64, 96, size=3),
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
    """Compares how the mouth moves with the speech around each frame, at every delay of the sound up to a bound.

    What is compared is how both change within the window. What stays the same in it, whose mouth it is and whose voice,
    is taken out: the head can tell lips that move otherwise, and no stranger's voice that fits them.
    """

    delays: Tensor

    def __init__(self, audio_dim: int, config: LipSyncConfig) -> None:
        super().__init__()
        # Without biases: what is the same at all times is taken out again.
        self.motion = nn.Conv1d(2 * config.dim, config.dim, kernel_size=3, padding=1, bias=False)
        self.speech = nn.Conv1d(audio_dim, config.dim, kernel_size=5, padding=2, bias=False)  # hears 100 ms
        self.sharpness = nn.Parameter(torch.tensor(10.0))  # correlation -> log-odds
        self.bias = nn.Parameter(torch.tensor(0.0))
        steps = config.max_offset_ms // STEP_MS
        self.register_buffer("delays", torch.arange(-steps, steps + 1), persistent=False)  # [L], in steps of 20 ms

    def forward(self, mouths: Tensor, frame_mask: Tensor, audio: Tensor, audio_mask: Tensor) -> Sync:
        """Mouth codes [W, T, M], mask [W, T], audio [W, A, U], mask [W, A] -> one answer per window."""
        codes = self.encode(mouths, frame_mask, audio, audio_mask)
        agreement, known = self.at_every_delay(codes)  # [W, L], [W, L]
        now = len(self.delays) // 2  # where the delay is zero
        logit = self.log_odds(agreement[:, now])  # [W]
        weights = (self.sharpness.abs() * 4 * agreement).masked_fill(~known, -1e4).softmax(dim=1)  # [W, L]
        offset = (weights * self.delays.to(weights.dtype)).sum(dim=1) * STEP_MS  # [W]
        heard = known[:, now]  # [W]
        return Sync(logit.masked_fill(~heard, 0.0), offset.masked_fill(~heard, 0.0), heard, codes)

    def encode(self, mouths: Tensor, frame_mask: Tensor, audio: Tensor, audio_mask: Tensor) -> Codes:
        there = mouths * frame_mask.unsqueeze(-1)  # [W, T, M]
        pairs = frame_mask[:, 1:] & frame_mask[:, :-1]  # [W, T - 1]
        change = F.pad((there[:, 1:] - there[:, :-1]) * pairs.unsqueeze(-1), (0, 0, 1, 0))  # [W, T, M], first is zero
        moving = torch.cat([there, change], dim=-1).transpose(1, 2)  # [W, 2M, T]
        voiced = (audio * audio_mask.unsqueeze(-1)).transpose(1, 2)  # [W, U, A]
        motion, speech = self.motion(moving).transpose(1, 2), self.speech(voiced).transpose(1, 2)
        return Codes(motion, speech, frame_mask, audio_mask)

    def at_every_delay(self, codes: Codes) -> tuple[Tensor, Tensor]:
        """How each mouth agrees with its own speech at every delay: [W, L], and where there was enough to compare."""
        frames, steps = codes.motion.shape[1], codes.speech.shape[1]
        index = self.steps_shown(frames).unsqueeze(1) + self.delays  # [T, L], the step to hear at each delay
        inside = (index >= 0) & (index < steps)  # [T, L]
        index = index.clamp(0, steps - 1)
        heard = codes.spoken[:, index] & inside & codes.shown.unsqueeze(-1)  # [W, T, L]
        return correlation(codes.motion.unsqueeze(2), codes.speech[:, index], heard)

    def of_all_pairs(self, motion: Tensor, shown: Tensor, speech: Tensor, spoken: Tensor) -> tuple[Tensor, Tensor]:
        """Mouths [W, T, M] and speeches [V, A, M] -> log-odds that i belongs to j [W, V], and where it can be said."""
        at = self.steps_shown(motion.shape[1])  # [T]
        heard = shown.unsqueeze(2) & spoken[:, at].T.unsqueeze(0)  # [W, T, V]
        agreement, known = correlation(motion.unsqueeze(2), speech[:, at].transpose(0, 1).unsqueeze(0), heard)
        return self.log_odds(agreement), known

    def steps_shown(self, frames: int) -> Tensor:
        """[T], the step of sound that is heard when each frame of a window is shown."""
        return torch.arange(frames, device=self.delays.device) * STEPS_PER_SECOND // frames

    def log_odds(self, agreement: Tensor) -> Tensor:
        return self.sharpness * agreement + self.bias


def correlation(motion: Tensor, speech: Tensor, heard: Tensor) -> tuple[Tensor, Tensor]:
    """[W, T, X, M] twice, mask [W, T, X] -> how alike they change along time, -1 to 1 [W, X], and where that is known.

    A single moment does not change: it takes two.
    """
    there = heard.unsqueeze(-1).float()  # [W, T, X, 1]
    count = there.sum(dim=1, keepdim=True).clamp(min=1)  # [W, 1, X, 1]
    moved, voiced = (
        (codes - (codes * there).sum(dim=1, keepdim=True) / count) * there for codes in (motion.float(), speech.float())
    )  # [W, T, X, M]
    together = (moved * voiced).sum(dim=(1, 3))  # [W, X]
    sizes = [codes.square().sum(dim=(1, 3)) + STILL for codes in (moved, voiced)]  # [W, X]
    return together * torch.rsqrt(sizes[0] * sizes[1]), heard.sum(dim=1) >= 2


def mix(logits: Tensor, sync: Sync, weight: float) -> Tensor:
    """The fused answer with a share of the lip-sync score: p = (1 - w) p_fake + w (1 - p_sync), as logits [W, 2]."""
    real, fake = logits.softmax(dim=-1).unbind(dim=-1)  # [W], [W]
    in_sync, out_of_sync = torch.sigmoid(sync.logit), torch.sigmoid(-sync.logit)  # [W], [W]
    mixed = torch.stack([(1 - weight) * real + weight * in_sync, (1 - weight) * fake + weight * out_of_sync], dim=-1)
    return torch.where(sync.known.unsqueeze(-1), torch.log(mixed.clamp(min=1e-7)), logits)
