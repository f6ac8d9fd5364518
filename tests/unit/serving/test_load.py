"""A model is served as it was packaged, or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from model_src.evaluation.score import load_predictor
from model_src.models.checkpoint import SERVED_NAME
from model_src.preprocess.checksum import sha256
from model_src.serving.choose_source import SAGEMAKER_MODEL_DIR, choose_source
from model_src.serving.errors import ModelUnavailable
from model_src.serving.manifest import MANIFEST, write_model_directory
from model_src.serving.model_directory import ModelDirectory
from model_src.serving.predictor import Predictor
from model_src.serving.untrained_model import UntrainedModel
from model_src.verdict.scores import Calibration
from tests.unit.serving.chunks import make_chunk
from tests.unit.serving.models import small_model

CALIBRATION = Calibration(method="temperature", scale=0.8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    model = small_model(seed=7)
    write_model_directory(folder, model, model_version="2026-11", trained=True, calibration=CALIBRATION)
    return folder


def test_a_packaged_model_scores_as_the_one_that_was_packaged(folder: Path) -> None:
    original = Predictor(small_model(seed=7), model_version="2026-11", trained=True, calibration=CALIBRATION)
    chunk = make_chunk(1)
    packaged = ModelDirectory(folder).load().score_chunk(chunk)
    assert packaged.weights_sha256 == [sha256(folder / SERVED_NAME)]
    assert packaged.model_copy(update={"weights_sha256": []}) == original.score_chunk(chunk)


def test_a_processor_that_was_asked_for_is_taken_where_there_is_a_gpu(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("model_src.serving.model_directory.best_device", lambda: "cuda")
    assert load_predictor(folder, "cpu").device.type == "cpu"


@pytest.mark.parametrize("name", [SERVED_NAME, "calibration.json"])
def test_a_file_that_was_changed_after_packaging_is_refused_by_name(folder: Path, name: str) -> None:
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(ModelUnavailable, match=f"{name} is not the file that was packaged"):
        ModelDirectory(folder).load()


def test_a_missing_file_is_refused_by_name(folder: Path) -> None:
    (folder / SERVED_NAME).unlink()
    with pytest.raises(ModelUnavailable, match=f"{SERVED_NAME} is in the manifest and not in"):
        ModelDirectory(folder).load()


def test_a_manifest_that_vouches_for_no_weights_is_refused(folder: Path) -> None:
    manifest = json.loads((folder / MANIFEST).read_text())
    del manifest["files"][SERVED_NAME]
    (folder / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(ModelUnavailable, match=f"does not list {SERVED_NAME}"):
        ModelDirectory(folder).load()


@pytest.mark.parametrize("content", [None, "{}", "no json"])
def test_a_folder_without_a_readable_manifest_is_no_model(folder: Path, content: str | None) -> None:
    (folder / MANIFEST).unlink()
    if content is not None:
        (folder / MANIFEST).write_text(content)
    with pytest.raises(ModelUnavailable, match=MANIFEST):
        ModelDirectory(folder).load()


def test_without_a_model_the_error_names_the_variables_to_set(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"AURA_MODEL_DIR.*AURA_UNTRAINED_MODEL"):
        ModelDirectory(tmp_path / "nowhere").load()


def test_an_untrained_model_says_so_and_is_the_same_every_time() -> None:
    first, second = UntrainedModel("compact").load(), UntrainedModel("compact").load()
    chunk = make_chunk(1)
    scores = first.score_chunk(chunk)
    assert scores == second.score_chunk(chunk)
    assert (scores.trained, scores.model_version) == (False, "compact-untrained")


def test_an_unknown_name_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(ModelUnavailable, match="compact"):
        UntrainedModel("enormous").load()


def test_untrained_weights_are_served_only_when_asked_for() -> None:
    assert choose_source(None, "compact") == UntrainedModel("compact")
    assert choose_source("/models/a", None) == ModelDirectory(Path("/models/a"))
    assert choose_source(None, None) == ModelDirectory(SAGEMAKER_MODEL_DIR)
    with pytest.raises(ValueError, match="choose one"):
        choose_source("/models/a", "compact")
