"""Fusion: where picture and sound meet. Sound that does not fit the lips is the core of the evidence."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from model_src.config.schema import FusionConfig
from model_src.models.masks import all_there, masked_mean


class Fused(NamedTuple):
    features: Tensor  # [B, output_dim]
    attention: Tensor | None  # [B, heads, queries, A]: what the picture listened to


class CrossModalAttentionFusion(nn.Module):
    """Every frame asks the sound: video queries, audio keys and values, a gate, and the sound beside the result.

    The answer is added to the frame that asked (a residual). Attention alone mixes nothing but sound: without the
    residual the picture could only choose what is heard, and a silent video would tell nothing.
    """

    def __init__(self, video_dim: int = 2048, audio_dim: int = 512, hidden_dim: int = 512, num_heads: int = 4) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(video_dim, num_heads, kdim=audio_dim, vdim=audio_dim, batch_first=True)
        self.audio_projection = nn.Linear(audio_dim, video_dim)
        self.gate = nn.Sequential(
            nn.Linear(2 * video_dim, hidden_dim), nn.ReLU(), nn.Linear(hidden_dim, 1), nn.Sigmoid()
        )
        self.output_dim = video_dim + audio_dim

    def forward(
        self, video: Tensor, audio: Tensor, video_mask: Tensor | None = None, audio_mask: Tensor | None = None
    ) -> Fused:
        """Video [B, T, V] or [B, V], audio [B, A, U] or [B, U], masks [B, T] and [B, A] -> [B, V + U]."""
        video = video.unsqueeze(1) if video.dim() == 2 else video  # [B, T, V]
        audio = audio.unsqueeze(1) if audio.dim() == 2 else audio  # [B, A, U]
        video_mask = all_there(video) if video_mask is None else video_mask
        audio_mask = all_there(audio) if audio_mask is None else audio_mask

        heard, weights = self.attention(
            query=video, key=audio, value=audio, key_padding_mask=~audio_mask, average_attn_weights=False
        )  # [B, T, V], [B, heads, T, A]
        video_context = masked_mean(video + heard, video_mask)  # [B, V]
        audio_context = masked_mean(audio, audio_mask)  # [B, U]
        audio_projected = self.audio_projection(audio_context)  # [B, V]
        gate = self.gate(torch.cat([video_context, audio_projected], dim=-1))  # [B, 1]
        mixed = gate * video_context + (1 - gate) * audio_projected  # [B, V]
        return Fused(torch.cat([mixed, audio_context], dim=-1), weights)  # [B, V + U]


class AttentionFusion(nn.Module):
    """One learned question to the tokens of both modalities, side by side: [B, T + A, hidden] -> [B, hidden]."""

    def __init__(self, video_dim: int, audio_dim: int, hidden_dim: int, num_heads: int) -> None:
        super().__init__()
        self.video_projection = nn.Linear(video_dim, hidden_dim)
        self.audio_projection = nn.Linear(audio_dim, hidden_dim)
        self.question = nn.Parameter(torch.randn(1, 1, hidden_dim) * 0.02)
        self.attention = nn.MultiheadAttention(hidden_dim, num_heads, batch_first=True)
        self.output_dim = hidden_dim

    def forward(self, video: Tensor, audio: Tensor, video_mask: Tensor, audio_mask: Tensor) -> Fused:
        tokens = torch.cat([self.video_projection(video), self.audio_projection(audio)], dim=1)  # [B, T + A, hidden]
        mask = torch.cat([video_mask, audio_mask], dim=1)  # [B, T + A]
        question = self.question.expand(len(tokens), -1, -1)  # [B, 1, hidden]
        answer, weights = self.attention(
            question, tokens, tokens, key_padding_mask=~mask, average_attn_weights=False
        )  # [B, 1, hidden], [B, heads, 1, T + A]
        return Fused(answer.squeeze(1), weights[..., video.shape[1] :])


class ConcatFusion(nn.Module):
    """Late fusion, the baseline: the two means side by side: [B, V + U]."""

    def __init__(self, video_dim: int, audio_dim: int) -> None:
        super().__init__()
        self.output_dim = video_dim + audio_dim

    def forward(self, video: Tensor, audio: Tensor, video_mask: Tensor, audio_mask: Tensor) -> Fused:
        return Fused(torch.cat([masked_mean(video, video_mask), masked_mean(audio, audio_mask)], dim=-1), None)


def either(video: Tensor, audio: Tensor, has_video: Tensor, has_audio: Tensor) -> Tensor:
    """Logits of the heads [..., W, 2] and whether they have anything to say [W] -> fake if either is, [..., W, 2].

    p = 1 - (1 - v)(1 - a), the answer of two witnesses who never met: nothing is learnt, and a witness who saw nothing
    does not count. Where neither saw anything, the odds are even. In logarithms, so that two certain witnesses do not
    round to infinity.
    """
    real = video.log_softmax(-1)[..., 0] * has_video + audio.log_softmax(-1)[..., 0] * has_audio  # [..., W]
    real = real.clamp(max=-1e-7)
    return even_unless(has_video | has_audio, torch.stack([real, torch.log(-torch.expm1(real))], dim=-1))


def even_unless(told: Tensor, logits: Tensor) -> Tensor:
    """Logits [..., W, 2] where there was something to go by [W], else even odds: who cannot tell says so."""
    return logits * told.unsqueeze(-1)


Fusion = CrossModalAttentionFusion | AttentionFusion | ConcatFusion


def build_fusion(video_dim: int, audio_dim: int, config: FusionConfig) -> Fusion:
    """Of every kind that learns; `either` has nothing to build."""
    if config.kind == "concat":
        return ConcatFusion(video_dim, audio_dim)
    if config.kind == "attention":
        return AttentionFusion(video_dim, audio_dim, config.hidden_dim, config.heads)
    return CrossModalAttentionFusion(video_dim, audio_dim, config.hidden_dim, config.heads)
