"""Where picture and sound meet: the attention against a plain loop, and what a gap may not do."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from model_src.config.schema import FusionConfig
from model_src.models.fusion import CrossModalAttentionFusion, build_fusion

V, U, HEADS = 16, 12, 4
KINDS = ["cross_modal", "attention", "concat"]


def inputs(rows: int = 3, frames: int = 5, steps: int = 9) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    video_mask, audio_mask = torch.rand(rows, frames) > 0.3, torch.rand(rows, steps) > 0.3
    video_mask[:, 0] = audio_mask[:, -1] = True
    return torch.randn(rows, frames, V), torch.randn(rows, steps, U), video_mask, audio_mask


def numbers(layer: nn.Module) -> tuple[np.ndarray, np.ndarray]:
    assert isinstance(layer, nn.Linear)
    return layer.weight.detach().numpy(), layer.bias.detach().numpy()


def attend_by_loop(
    attention: nn.MultiheadAttention, video: np.ndarray, audio: np.ndarray, heard: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """One sample, head by head, frame by frame: [T, V], [A, U], [A] -> [T, V] and weights [heads, T, A]."""
    assert attention.in_proj_bias is not None
    width = V // HEADS
    query_bias, key_bias, value_bias = np.split(attention.in_proj_bias.detach().numpy(), 3)
    queries = video @ attention.q_proj_weight.detach().numpy().T + query_bias
    keys = audio @ attention.k_proj_weight.detach().numpy().T + key_bias
    values = audio @ attention.v_proj_weight.detach().numpy().T + value_bias
    context, weights = np.zeros((len(video), V)), np.zeros((HEADS, len(video), len(audio)))
    for head in range(HEADS):
        part = slice(head * width, (head + 1) * width)
        for t in range(len(video)):
            scores = [queries[t, part] @ keys[a, part] / math.sqrt(width) for a in range(len(audio))]
            raised = [math.exp(score) if there else 0.0 for score, there in zip(scores, heard, strict=True)]
            for a in range(len(audio)):
                weights[head, t, a] = raised[a] / sum(raised)
                context[t, part] += weights[head, t, a] * values[a, part]
    weight, bias = numbers(attention.out_proj)
    return context @ weight.T + bias, weights


def test_cross_modal_attention_is_what_a_plain_loop_computes() -> None:
    fusion = CrossModalAttentionFusion(V, U, hidden_dim=8, num_heads=HEADS).eval()
    nn.init.normal_(fusion.attention.in_proj_bias)  # zero by default, which would hide a mistake
    nn.init.normal_(fusion.attention.out_proj.bias)
    video, audio, video_mask, audio_mask = inputs()
    fused, attention = fusion(video, audio, video_mask, audio_mask)
    assert attention is not None
    audio_weight, audio_bias = numbers(fusion.audio_projection)
    (gate_weight, gate_bias), (out_weight, out_bias) = numbers(fusion.gate[0]), numbers(fusion.gate[2])
    for row in range(3):
        seen, heard = video_mask[row].numpy(), audio_mask[row].numpy()
        answer, weights = attend_by_loop(fusion.attention, video[row].numpy(), audio[row].numpy(), heard)
        np.testing.assert_allclose(attention[row].detach(), weights, atol=1e-5)
        video_context = (video[row].numpy() + answer)[seen].mean(axis=0)
        audio_context = audio[row].numpy()[heard].mean(axis=0)
        projected = audio_weight @ audio_context + audio_bias
        hidden = np.maximum(gate_weight @ np.concatenate([video_context, projected]) + gate_bias, 0)
        gate = 1 / (1 + np.exp(-(out_weight @ hidden + out_bias)))
        expected = np.concatenate([gate * video_context + (1 - gate) * projected, audio_context])
        np.testing.assert_allclose(fused[row].detach(), expected, atol=1e-5)


def test_the_contract_gives_2048_and_512_features_and_a_weight_for_each_frame_and_step() -> None:
    fusion = CrossModalAttentionFusion(video_dim=2048, audio_dim=512, hidden_dim=512, num_heads=4)
    fused, attention = fusion(torch.randn(2, 5, 2048), torch.randn(2, 49, 512))
    assert fused.shape == (2, 2048 + 512)
    assert attention is not None
    assert attention.shape == (2, 4, 5, 49)
    torch.testing.assert_close(attention.sum(dim=-1), torch.ones(2, 4, 5))


def test_single_vectors_are_taken_as_sequences_of_one() -> None:
    fusion = CrossModalAttentionFusion(V, U, hidden_dim=8, num_heads=HEADS)
    video, audio = torch.randn(2, V), torch.randn(2, U)
    torch.testing.assert_close(fusion(video, audio).features, fusion(video[:, None], audio[:, None]).features)


@pytest.mark.parametrize("kind", KINDS)
def test_what_lies_in_a_gap_has_no_say(kind: str) -> None:
    fusion = build_fusion(V, U, FusionConfig.model_validate({"kind": kind, "hidden_dim": 8})).eval()
    video, audio, video_mask, audio_mask = inputs()
    junk_video = torch.where(video_mask.unsqueeze(-1), video, torch.full_like(video, 50))
    junk_audio = torch.where(audio_mask.unsqueeze(-1), audio, torch.full_like(audio, 50))
    clean = fusion(video, audio, video_mask, audio_mask)
    junk = fusion(junk_video, junk_audio, video_mask, audio_mask)
    assert clean.features.shape == (3, fusion.output_dim)
    torch.testing.assert_close(junk.features, clean.features)
    if kind != "concat":
        assert clean.attention is not None
        assert (clean.attention.masked_select(~audio_mask[:, None, None]) == 0).all()


@pytest.mark.parametrize("kind", KINDS)
def test_both_modalities_count(kind: str) -> None:
    fusion = build_fusion(V, U, FusionConfig.model_validate({"kind": kind, "hidden_dim": 8})).eval()
    video, audio, video_mask, audio_mask = inputs()
    before = fusion(video, audio, video_mask, audio_mask).features
    assert not torch.allclose(fusion(video + torch.randn_like(video), audio, video_mask, audio_mask).features, before)
    assert not torch.allclose(fusion(video, audio + torch.randn_like(audio), video_mask, audio_mask).features, before)


def test_the_picture_tells_something_even_where_every_sound_is_alike() -> None:
    """With one sound only, attention has no choice: what the frames show must reach the answer by the residual."""
    fusion = CrossModalAttentionFusion(V, U, hidden_dim=8, num_heads=HEADS)
    sound = torch.randn(1, 1, U)
    one, other = fusion(torch.randn(1, 5, V), sound).features, fusion(torch.randn(1, 5, V), sound).features
    assert (one - other).abs().max() > 0.1


def test_concatenation_is_the_two_means_side_by_side() -> None:
    fusion = build_fusion(V, U, FusionConfig(kind="concat"))
    video, audio, video_mask, audio_mask = inputs(rows=1)
    expected = torch.cat([video[0][video_mask[0]].mean(dim=0), audio[0][audio_mask[0]].mean(dim=0)])
    fused, attention = fusion(video, audio, video_mask, audio_mask)
    torch.testing.assert_close(fused[0], expected)
    assert attention is None
