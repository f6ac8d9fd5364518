"""A configuration says everything about a model, and a mistake in it is found before anything is built."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel, ValidationError

from model_src.config import ModelConfig, load_config, named_configs
from model_src.config.load import FOLDER
from model_src.models import build
from tests.unit.models.tiny import tiny_config


def test_the_locked_names_are_there() -> None:
    assert {"contract-v1", "compact"} <= set(named_configs())


@pytest.mark.parametrize("name", named_configs())
def test_every_file_is_called_what_it_names_and_builds(name: str) -> None:
    config = load_config(name)
    assert config.name == name
    assert build(name, pretrained=False).config == config


def test_contract_v1_says_what_the_contract_locks() -> None:
    config = load_config("contract-v1")
    assert (config.video.backbone, config.video.channels, config.video.frame_size) == ("efficientnet_b3", 3, 224)
    assert (config.temporal.kind, config.temporal.kernel_size, config.temporal.output_dim) == ("conv", 3, 2048)
    assert (config.audio.checkpoint, config.audio.frozen_blocks) == ("facebook/wav2vec2-base", 8)
    assert (config.audio.freeze_feature_extractor, config.audio.output_dim) == (True, 512)
    assert (config.fusion.kind, config.fusion.heads, config.fusion.modality_dropout) == ("cross_modal", 4, 0.2)
    assert (config.fusion.temporal_consistency_loss.enabled, config.fusion.temporal_consistency_loss.weight) == (
        False,
        0.1,
    )


def test_a_file_of_ones_own_is_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("name: mine\nenable_audio: false\n")
    assert load_config(path).multimodal is False


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match="compact, contract-v1"):
        load_config("contract-v2")


@pytest.mark.parametrize("section", [None, "video", "temporal", "audio", "fusion", "heads", "lip_sync"])
def test_an_unknown_key_is_refused_wherever_it_stands(section: str | None) -> None:
    raw = yaml.safe_load((FOLDER / "contract-v1.yaml").read_text())
    (raw if section is None else raw.setdefault(section, {}))["learning_rat"] = 1
    with pytest.raises(ValidationError, match="learning_rat"):
        ModelConfig.model_validate(raw)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"enable_video": False, "enable_audio": False}, "picture or the sound"),
        ({"temporal": {"hidden_dim": 30, "heads": 4}}, "multiple of temporal.heads"),
        ({"temporal": {"output_dim": 30}}, "fusion.heads must divide"),
        ({"lip_sync": {"mouth_box": [0.7, 0.6, 0.3, 0.9]}}, "left < right"),
        ({"fusion": {"modality_dropout": 1.5}}, "less than or equal to 1"),
        ({"video": {"channels": 4}}, "3 or 5"),
        ({"video": {"frozen_stages": -1}}, "greater than or equal to 0"),
    ],
)
def test_values_that_cannot_work_are_refused(changes: dict, complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        tiny_config(**changes)


def test_a_configuration_cannot_be_changed_after_the_fact() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        load_config("compact").name = "other"  # type: ignore[misc]


def test_a_configuration_survives_the_way_through_json() -> None:
    config = load_config("compact")
    assert ModelConfig.model_validate_json(config.model_dump_json()) == config


def leaves(model: type[BaseModel]) -> Iterator[tuple[str, str | None]]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from leaves(field.annotation)
        else:
            yield f"{model.__name__}.{name}", field.description


def test_every_hyperparameter_is_explained_at_its_field() -> None:
    assert [name for name, description in leaves(ModelConfig) if not description] == []
