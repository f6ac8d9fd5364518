"""The model for the repository: small, true to the one that was trained, and packaged where it is served."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from model_src.models import load_for_inference
from model_src.models.checkpoint import SERVED_NAME
from model_src.preprocess.checksum import sha256
from model_src.serving import measure, model_directory
from model_src.serving import ship as shipping
from model_src.serving.choose_source import choose_source
from model_src.serving.errors import ModelUnavailable
from model_src.serving.manifest import MANIFEST, Manifest, read_verified
from model_src.serving.package import package_model
from model_src.serving.predictor import Predictor
from model_src.serving.ship import MAX_BYTES, NotShippable, ship
from model_src.verdict.scores import Calibration
from tests.unit.serving.chunks import make_chunk
from tests.unit.serving.models import small_model

CALIBRATION = Calibration(method="platt", scale=1.3, bias=-0.2)
FILES = {"model.safetensors", "calibration.json", "MODEL_CARD.md"}


def shipped(folder: Path, seed: int = 0) -> Path:
    ship(folder, small_model(seed), model_version="default-1", calibration=CALIBRATION, card="# Card\n")
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return shipped(tmp_path / "default")


def test_the_folder_is_small_and_every_file_is_vouched_for(folder: Path) -> None:
    manifest = read_verified(folder)
    assert manifest.files.keys() == FILES
    assert {path.name for path in folder.iterdir()} == FILES | {MANIFEST}
    assert sum(path.stat().st_size for path in folder.iterdir()) <= MAX_BYTES
    assert (manifest.model_version, manifest.trained, manifest.plans) == ("default-1", True, [])
    assert [path.name for path in folder.parent.iterdir()] == ["default"]  # nothing half made is left behind


def test_weights_are_stored_in_sixteen_bits_and_computed_with_in_thirty_two(folder: Path) -> None:
    stored = load_file(folder / "model.safetensors")
    assert {tensor.dtype for tensor in stored.values() if tensor.is_floating_point()} == {torch.float16}
    assert {parameter.dtype for parameter in load_for_inference(folder).parameters()} == {torch.float32}


def test_without_a_cache_it_scores_as_the_trained_model_with_its_calibration(folder: Path) -> None:
    exact = Predictor(small_model(), model_version="exact", trained=True).score_chunk(make_chunk(1))
    scores = choose_source(str(folder), None).load().score_chunk(make_chunk(1))
    assert (scores.model_version, scores.trained, scores.calibration) == ("default-1", True, CALIBRATION)
    assert [w.logit for w in scores.windows] == pytest.approx([w.logit for w in exact.windows], abs=5e-3)


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_file_that_was_changed_is_refused_by_name_with_and_without_a_cache(
    folder: Path, tmp_path: Path, name: str
) -> None:
    with (folder / name).open("ab") as file:
        file.write(b"?")
    for cache in (None, str(tmp_path / "cache")):
        with pytest.raises(ModelUnavailable, match=f"{name} is not the file that was packaged"):
            choose_source(str(folder), None, cache).load()


def test_with_a_cache_its_graphs_are_made_once_and_anew_for_another_model(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Manifest] = []
    monkeypatch.setattr(
        model_directory, "package_model", lambda *where, **facts: made.append(package_model(*where, **facts))
    )
    for module in (measure, model_directory):
        monkeypatch.setattr(module, "usable", lambda: ["torch", "onnxruntime"])  # two are enough to choose from
    source, chunk = choose_source(str(folder), None, str(tmp_path / "cache")), make_chunk(1)
    first = source.load().score_chunk(chunk)
    assert (first.model_version, first.trained, first.calibration) == ("default-1", True, CALIBRATION)
    assert first.weights_sha256 == [sha256(folder / SERVED_NAME)]  # of what was published, not of the copy in the cache
    (packaged,) = (tmp_path / "cache").iterdir()
    assert {"frames.onnx", "sound.onnx"} < {path.name for path in packaged.iterdir()}
    assert source.load().score_chunk(chunk) == first
    assert len(made) == 1

    shipped(folder, seed=1)
    assert source.load().score_chunk(chunk) != first
    assert len(made) == 2


def test_a_model_that_half_precision_changes_is_stored_in_whole(folder: Path) -> None:
    halved = (folder / "model.safetensors").stat().st_size
    model = small_model(seed=1)
    with torch.no_grad():  # the same model, in numbers that sixteen bits cannot hold
        model.fused_head.hidden.weight.mul_(1e-6)
        model.fused_head.hidden.bias.mul_(1e-6)
        model.fused_head.output.weight.mul_(3e5)
    ship(folder, model, model_version="default-2", calibration=CALIBRATION, card="")
    assert (folder / "model.safetensors").stat().st_size > 1.8 * halved
    assert read_verified(folder).model_version == "default-2"
    chunk = make_chunk(1)
    assert (
        choose_source(str(folder), None).load().score_chunk(chunk).windows
        == Predictor(model, model_version="exact", trained=True).score_chunk(chunk).windows
    )


def test_a_model_too_large_for_the_repository_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipping, "MAX_BYTES", 100_000)
    with pytest.raises(NotShippable, match="MB go into the repository"):
        shipped(tmp_path / "default")
    assert list(tmp_path.iterdir()) == []
