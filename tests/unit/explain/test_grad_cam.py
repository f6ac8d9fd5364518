"""Grad-CAM from cached maps is the Grad-CAM of the whole network, without running it again."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from model_src.explain.grad_cam import grad_cam, normalize
from model_src.models import MultimodalModel, build
from model_src.models.heads import log_odds
from model_src.models.windows import gather_frames
from tests.unit.models.tiny import tiny_config

SIDE = 96  # a map of 3 by 3
WINDOW_FRAMES = torch.tensor([[0, 1, 2, 3, 4], [2, 3, 4, -1, 6]])


@pytest.fixture(autouse=True)
def _repeatable() -> None:
    torch.manual_seed(0)


def tiny(**changes: Any) -> MultimodalModel:
    changes["video"] = {"frame_size": SIDE} | changes.get("video", {})
    return build(tiny_config(**changes), pretrained=False).eval()


def by_full_autograd(model: MultimodalModel, frames: Tensor, audio: Tensor | None) -> Tensor:
    """The textbook: hold the last map of the running network, weigh its channels by their mean gradient."""
    held: list[Tensor] = []
    last = model.video_encoder.attention or model.video_encoder.backbone.bn2
    hook = last.register_forward_hook(lambda _module, _inputs, output: held.append(output))
    mouths = model.encode_mouths(frames)
    windows, mask = gather_frames(model.encode_frames(frames).embeddings, WINDOW_FRAMES)
    mouths_w = None if mouths is None else gather_frames(mouths, WINDOW_FRAMES)[0]
    hook.remove()
    score = log_odds(model.score_windows(windows, mask, audio, None, mouths_w).fused).sum()
    (gradient,) = torch.autograd.grad(score, held[0])  # [N, D, h, w]
    weights = gradient.mean(dim=(2, 3), keepdim=True)  # [N, D, 1, 1]
    return torch.relu((weights * held[0]).sum(dim=1)).detach()


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"temporal": {"kind": "transformer"}},
        {"fusion": {"kind": "attention"}},
        {"fusion": {"kind": "concat"}},
        {"lip_sync": {"mix_weight": 0.3}},
        {"video": {"spatial_attention": True, "frequency_branch": True}},
        {"enable_audio": False},
    ],
    ids=str,
)
def test_it_is_what_full_autograd_gives(changes: dict) -> None:
    model = tiny(**changes)
    frames = torch.randn(7, 3, SIDE, SIDE)
    audio = torch.randn(2, 49, 24) if model.config.multimodal else None
    with torch.no_grad():
        encoded, mouths = model.encode_frames(frames), model.encode_mouths(frames)
    saliency = grad_cam(model, encoded.embeddings, encoded.maps, WINDOW_FRAMES, audio, None, mouths)
    reference = by_full_autograd(model, frames, audio)
    assert saliency.shape == (7, 3, 3)
    assert reference.amax(dim=(1, 2)).count_nonzero() >= 3  # there is something to see
    torch.testing.assert_close(saliency, normalize(reference), atol=1e-4, rtol=1e-4)


def test_it_works_on_what_serving_keeps_from_inference_mode() -> None:
    model = tiny().requires_grad_(False)
    frames = torch.randn(7, 3, SIDE, SIDE)
    with torch.no_grad():
        kept = model.encode_frames(frames)
        expected = grad_cam(model, kept.embeddings, kept.maps, WINDOW_FRAMES, torch.ones(2, 49, 24))
    with torch.inference_mode():
        kept, audio, window_frames = model.encode_frames(frames), torch.ones(2, 49, 24), WINDOW_FRAMES.clone()
        inside = grad_cam(model, kept.embeddings, kept.maps, window_frames, audio)
    outside = grad_cam(model, kept.embeddings, kept.maps, window_frames, audio)
    torch.testing.assert_close(inside, expected)
    torch.testing.assert_close(outside, expected)
    assert not outside.requires_grad


def test_the_backbone_does_not_run() -> None:
    model = tiny()
    with torch.no_grad():
        kept = model.encode_frames(torch.randn(7, 3, SIDE, SIDE))
    model.video_encoder.register_forward_hook(lambda *_: pytest.fail("the backbone ran"))
    grad_cam(model, kept.embeddings, kept.maps, WINDOW_FRAMES)


def test_a_frame_in_no_window_stays_dark() -> None:
    model = tiny()
    with torch.no_grad():
        kept = model.encode_frames(torch.randn(7, 3, SIDE, SIDE))
    saliency = grad_cam(model, kept.embeddings, kept.maps, WINDOW_FRAMES)
    assert saliency[5].max() == 0


def test_it_lights_the_cell_that_makes_a_face_fake() -> None:
    """A head that reads one feature, and a map where that feature stands in one cell."""
    model = tiny(enable_audio=False, temporal={"kind": "avg_pool"})
    with torch.no_grad():
        model.video_head.hidden.weight.zero_()
        model.video_head.hidden.bias.zero_()
        model.video_head.output.weight.zero_()
        model.video_head.hidden.weight[0, 3] = 1.0
        model.video_head.output.weight[1, 0] = 1.0
    maps = torch.rand(1, 256, 3, 3) * 0.1
    maps[0, 3] = 0.0
    maps[0, 3, 2, 1] = 9.0
    saliency = grad_cam(model, maps.mean(dim=(2, 3)), maps, torch.tensor([[0]]))
    expected = torch.zeros(1, 3, 3)
    expected[0, 2, 1] = 1.0
    torch.testing.assert_close(saliency, expected)


def test_saliency_is_between_0_and_1_and_nothing_is_divided_by_nothing() -> None:
    maps = torch.tensor([[[0.0, 2.0], [4.0, 1.0]], [[0.0, 0.0], [0.0, 0.0]]])
    assert normalize(maps).tolist() == [[[0, 0.5], [1, 0.25]], [[0, 0], [0, 0]]]
