"""Two heads that learnt apart, fused by nothing but probability."""

from __future__ import annotations

import pytest
import torch

from model_src.config.schema import ModelConfig
from model_src.models import MultimodalModel
from model_src.models.fusion import either

YES, NO = torch.tensor(True), torch.tensor(False)


def logits(fake: float) -> torch.Tensor:
    return torch.tensor([1 - fake, fake]).log()


@pytest.mark.parametrize(("video", "audio"), [(0.1, 0.2), (0.9, 0.1), (0.5, 0.5), (0.99, 0.99)])
def test_it_is_fake_if_the_picture_or_the_sound_is(video: float, audio: float) -> None:
    fused = either(logits(video), logits(audio), YES, YES).softmax(-1)[1]
    assert fused.item() == pytest.approx(1 - (1 - video) * (1 - audio), abs=1e-5)


def test_what_is_not_there_has_no_vote() -> None:
    assert either(logits(0.3), logits(0.9), YES, NO).softmax(-1)[1].item() == pytest.approx(0.3, abs=1e-5)
    assert either(logits(0.3), logits(0.9), NO, YES).softmax(-1)[1].item() == pytest.approx(0.9, abs=1e-5)


def test_where_neither_saw_anything_the_odds_are_even() -> None:
    assert either(logits(0.3), logits(0.9), NO, NO).softmax(-1)[1].item() == pytest.approx(0.5)


def test_certain_heads_give_a_finite_answer_and_gradient() -> None:
    video = torch.tensor([-60.0, 60.0], requires_grad=True)
    audio = torch.tensor([60.0, -60.0], requires_grad=True)
    for pair in ((video, video), (audio, audio), (video, audio)):
        fused = either(*pair, YES, YES)
        fused.sum().backward()
        assert torch.isfinite(fused).all()
    assert torch.isfinite(video.grad).all()  # type: ignore[arg-type]


def test_a_model_of_two_heads_carries_nothing_that_nobody_trained() -> None:
    config = ModelConfig.model_validate({
        "name": "heads", "video": {"backbone": "tf_efficientnet_lite0"}, "temporal": {"kind": "avg_pool"},
        "audio": {"checkpoint": None, "architecture": {
            "model_type": "wav2vec2", "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
            "intermediate_size": 64, "conv_dim": [32] * 7, "num_conv_pos_embeddings": 16,
            "num_conv_pos_embedding_groups": 4}, "freeze_feature_extractor": False, "frozen_blocks": 0},
        "fusion": {"kind": "either"}, "lip_sync": {"enabled": False},
    })  # fmt: skip
    model = MultimodalModel(config).eval()
    parts = {name.split(".")[0] for name, _ in model.named_parameters()}
    assert parts == {"video_encoder", "video_head", "missing_video", "audio_encoder", "audio_head", "missing_audio"}

    with torch.no_grad():
        windows = model.outputs(torch.randn(2, 1, 3, 224, 224), torch.randn(2, 16_000)).windows
        passes = model.mc_dropout(windows, passes=4)
    assert windows.video is not None
    assert windows.audio is not None
    both = 1 - windows.video.softmax(-1)[:, 0] * windows.audio.softmax(-1)[:, 0]
    assert windows.fused.softmax(-1)[:, 1] == pytest.approx(both, abs=1e-5)
    assert passes.shape == (4, 2, 2)
    assert passes.var(dim=0).min() > 0
