"""A packaged model carries all it needs, runs on the fastest backend that agrees, and is refused where none does."""

from __future__ import annotations

import json
import os
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from model_src.models import MultimodalModel
from model_src.models.checkpoint import SERVED_NAME
from model_src.preprocess.checksum import sha256
from model_src.serving import untrained_model
from model_src.serving.backends import Backend, usable
from model_src.serving.errors import ModelUnavailable
from model_src.serving.graph_encoders import GraphEncoders
from model_src.serving.manifest import MANIFEST, Manifest, read_verified
from model_src.serving.model_directory import ModelDirectory
from model_src.serving.package import package_model, write_archive
from model_src.serving.plan import Measured, Plan
from model_src.serving.untrained_model import UntrainedModel
from model_src.verdict.scores import Calibration
from tests.unit.serving.chunks import make_chunk
from tests.unit.serving.models import small_model

CALIBRATION = Calibration(method="temperature", scale=0.8)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("archive") / "model.tar.gz"
    write_archive(path, small_model(), model_version="2026-11", trained=True, calibration=CALIBRATION)
    return path


@pytest.fixture
def folder(archive: Path, tmp_path: Path) -> Path:
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path / "model", filter="data")
    return tmp_path / "model"


def edit(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    manifest = json.loads((folder / MANIFEST).read_text())
    change(manifest)
    (folder / MANIFEST).write_text(json.dumps(manifest))


def test_the_archive_holds_weights_graphs_calibration_and_manifest_at_its_root_and_no_code(archive: Path) -> None:
    with tarfile.open(archive) as tar:
        members = {member.name: member for member in tar.getmembers()}
    names = {"manifest.json", "model.safetensors", "calibration.json", "frames.onnx", "sound.onnx"}
    assert members.keys() == names
    assert all(member.isreg() and member.uid == 0 for member in members.values())
    assert [path.name for path in archive.parent.iterdir()] == ["model.tar.gz"]  # nothing half made is left behind


def test_the_manifest_tells_how_every_usable_backend_fared(folder: Path) -> None:
    (plan,) = read_verified(folder).plans
    assert {found.backend for found in plan.measured} == set(usable())
    assert all(found.passed for found in plan.measured)
    speeds = [found.milliseconds for found in plan.measured]
    assert speeds == sorted(speeds)


def test_a_packaged_model_scores_on_the_fastest_backend_with_its_calibration(folder: Path) -> None:
    edit(folder, lambda manifest: prefer(manifest, "onnxruntime"))
    predictor = ModelDirectory(folder).load()
    assert isinstance(predictor._encoders[0], GraphEncoders)
    scores = predictor.score_chunk(make_chunk(1))
    assert (scores.model_version, scores.trained, scores.calibration) == ("2026-11", True, CALIBRATION)
    assert scores.weights_sha256 == [sha256(folder / SERVED_NAME)]


def test_beside_graphs_the_networks_own_weights_take_no_memory_unless_asked_to_stay(folder: Path) -> None:
    edit(folder, lambda manifest: prefer(manifest, "openvino"))
    served, kept = ModelDirectory(folder).load(), ModelDirectory(folder, keep_networks=True).load()
    assert isinstance(served.model, MultimodalModel)
    assert not any(each.is_meta for each in served.model.fused_head.parameters())
    assert all(each.is_meta for each in served.model.audio_encoder.parameters())
    assert not any(each.is_meta for each in kept.model.parameters())
    assert kept.score_chunk(make_chunk(1.3)) == served.score_chunk(make_chunk(1.3))


def prefer(manifest: dict[str, Any], backend: Backend) -> None:
    for found in manifest["plans"][0]["measured"]:
        found["milliseconds"] = 1 if found["backend"] == backend else 1000


def measured(backend: Backend, milliseconds: float, difference: float = 0.0, same_class: bool = True) -> Measured:
    return Measured(
        backend=backend, milliseconds=milliseconds, difference=difference, same_class=same_class, bound=1e-3
    )


def test_a_backend_that_disagrees_or_cannot_run_here_is_passed_over() -> None:
    plan = Plan(
        reference=[],
        measured=[
            measured("openvino-bf16", 1),
            measured("openvino", 2, difference=0.1),
            measured("onnxruntime", 3, same_class=False),
            measured("torch", 4),
        ],
    )
    assert plan.fastest(["torch", "onnxruntime", "openvino", "openvino-bf16"]) == "openvino-bf16"
    assert plan.fastest(["torch", "onnxruntime", "openvino"]) == "torch"
    assert plan.fastest(["openvino"]) == "torch"


def test_a_model_that_scores_otherwise_than_when_it_was_packaged_is_refused_with_a_sentence(folder: Path) -> None:
    def shift(manifest: dict[str, Any]) -> None:
        (plan,) = manifest["plans"]
        plan["reference"] = [value + 0.03 for value in plan["reference"]]

    edit(folder, shift)
    with pytest.raises(ModelUnavailable, match=r"does not score here as it did when it was packaged.*0\.03"):
        ModelDirectory(folder).load()


@pytest.mark.parametrize("name", ["frames.onnx", "sound.onnx"])
def test_a_graph_that_was_changed_after_packaging_is_refused_by_name(folder: Path, name: str) -> None:
    with (folder / name).open("ab") as file:
        file.write(b"?")
    with pytest.raises(ModelUnavailable, match=f"{name} is not the file that was packaged"):
        ModelDirectory(folder).load()


def test_an_untrained_model_is_exported_once_and_a_damaged_cache_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Manifest] = []
    monkeypatch.setattr(untrained_model, "build", lambda *_, **__: small_model())
    monkeypatch.setattr(
        untrained_model, "package_model", lambda *where, **facts: made.append(package_model(*where, **facts))
    )
    source = UntrainedModel("compact", cache=tmp_path / "cache")
    first = source.load()
    assert (first.model_version, first.trained, len(made)) == ("compact-untrained", False, 1)
    chunk = make_chunk(1)
    assert source.load().score_chunk(chunk) == first.score_chunk(chunk)
    assert len(made) == 1

    (folder,) = (tmp_path / "cache").iterdir()
    (folder / "frames.onnx").write_bytes(b"")
    for name, days in (("of-older-code", 8), ("of-a-neighbour", 6)):
        (tmp_path / "cache" / name).mkdir()
        (tmp_path / "cache" / name / MANIFEST).touch()
        os.utime(tmp_path / "cache" / name, times=(0, time.time() - days * 24 * 3600))
    (tmp_path / "cache" / "not-ours").mkdir()
    os.utime(tmp_path / "cache" / "not-ours", times=(0, 0))
    source.load()
    assert len(made) == 2
    left = {path.name for path in (tmp_path / "cache").iterdir()}
    assert left == {folder.name, "of-a-neighbour", "not-ours"}, "of what we made, what is unused goes"
