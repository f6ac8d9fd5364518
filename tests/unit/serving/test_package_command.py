"""`aura package`: from a checkpoint to an archive that is served."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from infra.cli.package import package
from model_src.models import save_checkpoint
from model_src.serving.manifest import read_verified, write_model_directory
from model_src.serving.model_directory import ModelDirectory
from model_src.serving.origin import Origin, together_from
from model_src.verdict.scores import Calibration
from tests.unit.serving.chunks import make_chunk
from tests.unit.serving.models import small_model

app = typer.Typer()
app.command()(package)


def test_a_checkpoint_becomes_an_archive_that_scores_with_its_calibration(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "multimodal_best_0.9100.pth", small_model(), epoch=3, metrics={"auc": 0.91})
    calibration = Calibration(method="platt", scale=1.3, bias=-0.2)
    (tmp_path / "calibration.json").write_text(calibration.model_dump_json())
    archive = tmp_path / "out" / "model.tar.gz"
    command = [
        str(tmp_path / "multimodal_best_0.9100.pth"),
        "--output",
        str(archive),
        "--calibration",
        str(tmp_path / "calibration.json"),
    ]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    assert "torch" in result.output
    assert "onnxruntime" in result.output

    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path / "model", filter="data")
    scores = ModelDirectory(tmp_path / "model").load().score_chunk(make_chunk(1))
    assert (scores.model_version, scores.trained) == ("multimodal_best_0.9100", True)
    assert scores.calibration == calibration


def test_a_model_directory_is_packaged_with_its_own_name_calibration_and_whether_it_was_trained(tmp_path: Path) -> None:
    calibration = Calibration(method="platt", scale=0.4, bias=-0.1)
    write_model_directory(
        tmp_path / "cal", small_model(), model_version="noise-1", trained=False, calibration=calibration
    )
    result = CliRunner().invoke(app, [str(tmp_path / "cal"), "--output", str(tmp_path / "model.tar.gz")])
    assert result.exit_code == 0, result.output
    with tarfile.open(tmp_path / "model.tar.gz") as tar:
        tar.extractall(tmp_path / "model", filter="data")
    manifest = read_verified(tmp_path / "model")
    assert (manifest.model_version, manifest.trained) == ("noise-1", False)
    assert ModelDirectory(tmp_path / "model").calibration() == calibration


def test_an_ensemble_takes_no_calibration_from_a_member() -> None:
    """Each member's says how far that member can be trusted, not their mean."""
    calibrated, bare = Origin("a", calibration=Calibration(method="temperature", scale=0.5)), Origin("b")
    with pytest.raises(ValueError, match="their mean not at all"):
        together_from([calibrated, bare], None)
    given = Calibration(method="temperature", scale=0.7)
    assert together_from([calibrated, bare], given) == Origin("a+b", calibration=given)


@pytest.mark.parametrize(
    "command", [[], ["weights.pth", "--untrained", "compact"], ["nowhere.pth"], ["--untrained", "enormous"]]
)
def test_what_cannot_be_packaged_is_told_in_a_sentence_and_leaves_nothing(tmp_path: Path, command: list[str]) -> None:
    archive = tmp_path / "model.tar.gz"
    result = CliRunner().invoke(app, [*command, "--output", str(archive)])
    assert result.exit_code != 0
    assert "Traceback" not in result.output
    assert isinstance(result.exception, SystemExit)
    assert list(tmp_path.iterdir()) == []


def test_models_that_take_different_input_are_refused_as_an_ensemble(tmp_path: Path) -> None:
    for name, model in (("a", small_model()), ("b", small_model(channels=5))):
        save_checkpoint(tmp_path / f"{name}.pth", model, epoch=1, metrics={})
    paths = [str(tmp_path / "a.pth"), str(tmp_path / "b.pth")]
    result = CliRunner().invoke(app, [*paths, "--output", str(tmp_path / "out" / "model.tar.gz")])
    assert result.exit_code == 1
    assert "must take the same input" in result.output
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.pth").write_bytes(b"no weights")
    result = CliRunner().invoke(app, [str(tmp_path / "bad.pth"), "--output", str(tmp_path / "model.tar.gz")])
    assert result.exit_code == 1
    assert "cannot be packaged" in result.output
