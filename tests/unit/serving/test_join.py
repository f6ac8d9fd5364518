"""A model that looks and one that listens, joined: each still says what it said, and together fake if either does."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from model_src.models import MultimodalModel, build
from model_src.models.heads import log_odds
from model_src.serving.join import DoNotFit, join
from model_src.verdict.scores import Calibration
from tests.unit.models.tiny import tiny_config, tiny_sound, tiny_video


def looking(**changes: Any) -> MultimodalModel:
    return build(tiny_config(enable_audio=False, **changes), pretrained=False, seed=1).eval()


def listening(**changes: Any) -> MultimodalModel:
    return build(tiny_config(enable_video=False, **changes), pretrained=False, seed=2).eval()


@torch.no_grad()
def fake(model: MultimodalModel, video: Tensor | None, audio: Tensor | None) -> Tensor:
    return model(video, audio).softmax(dim=-1)[:, 1]


def test_the_joined_model_says_of_a_picture_and_of_a_sound_alone_what_each_run_says() -> None:
    picture, sound = looking(), listening()
    model = join(picture, sound, "both")
    torch.testing.assert_close(fake(model, tiny_video(), None), fake(picture, tiny_video(), None))
    torch.testing.assert_close(fake(model, None, tiny_sound()), fake(sound, None, tiny_sound()))


def test_of_both_it_says_how_likely_either_is_fake() -> None:
    picture, sound = looking(), listening()
    seen, heard = fake(picture, tiny_video(), None), fake(sound, None, tiny_sound())
    model = join(picture, sound, "both")
    torch.testing.assert_close(fake(model, tiny_video(), tiny_sound()), 1 - (1 - seen) * (1 - heard))


def test_each_is_calibrated_before_they_are_joined() -> None:
    picture, sound = looking(), listening()
    with torch.no_grad():
        seen, heard = log_odds(picture(tiny_video(), None)), log_odds(sound(None, tiny_sound()))
    platt, temperature = Calibration(method="platt", scale=2.5, bias=-1.0), Calibration(method="temperature", scale=0.5)
    model = join(picture, sound, "both", platt, temperature)
    torch.testing.assert_close(fake(model, tiny_video(), None), torch.sigmoid(2.5 * seen - 1.0))
    torch.testing.assert_close(fake(model, None, tiny_sound()), torch.sigmoid(0.5 * heard))


def test_every_weight_comes_from_one_of_the_two_and_the_runs_own_design_is_kept() -> None:
    picture = looking(temporal={"kind": "avg_pool"}, heads={"head_pose": True})
    sound = listening(audio={"output_dim": 48})
    model = join(picture, sound, "both")
    given = picture.state_dict() | sound.state_dict()
    assert model.state_dict().keys() == given.keys()
    assert all(torch.equal(tensor, given[name]) for name, tensor in model.state_dict().items())
    assert (model.config.name, model.config.temporal.kind, model.config.audio.output_dim) == ("both", "avg_pool", 48)


def test_runs_of_the_wrong_sense_are_refused_by_name() -> None:
    both = build(tiny_config(), pretrained=False)
    with pytest.raises(DoNotFit, match="first model has to look and not listen, and 'tiny' only listens"):
        join(listening(), looking(), "both")
    with pytest.raises(DoNotFit, match="second model has to listen and not look, and 'tiny' does both"):
        join(looking(), both, "both")


def test_each_keeps_the_head_that_it_learnt_with() -> None:
    picture, sound = looking(heads={"hidden_dim": None, "dropout": 0.1}), listening(heads={"hidden_dim": 8})
    model = join(picture, sound, "both")
    assert (model.video_head.hidden, model.video_head.dropout.p) == (None, 0.1)
    assert model.audio_head.hidden.out_features == 8
    torch.testing.assert_close(fake(model, tiny_video(), None), fake(picture, tiny_video(), None))


def test_a_picture_that_learnt_without_dropout_still_has_an_interval() -> None:
    model = join(looking(heads={"hidden_dim": None, "dropout": 0.0}), listening(), "both")
    with torch.no_grad():
        passes = model.mc_dropout(model.outputs(tiny_video(), None).windows)
    assert (log_odds(passes).std(dim=0) > 0).all()


def test_a_run_of_both_senses_is_neither_the_eyes_nor_the_ears() -> None:
    both = build(tiny_config(), pretrained=False)
    with pytest.raises(DoNotFit, match="first model has to look and not listen, and 'tiny' does both"):
        join(both, listening(), "both")
    with pytest.raises(DoNotFit, match="second model has to listen and not look, and 'tiny' only looks"):
        join(looking(), looking(), "both")
