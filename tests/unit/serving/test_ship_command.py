"""`aura join` and `aura ship`: from two runs to the folder that comes with the code."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from infra.cli import app
from model_src.models import build, save_checkpoint
from model_src.serving.default import DEFAULT_MODEL
from model_src.serving.manifest import read_verified
from model_src.serving.model_directory import ModelDirectory
from model_src.serving.ship import MAX_BYTES
from model_src.verdict.scores import Calibration
from tests.unit.serving.chunks import make_chunk
from tests.unit.serving.models import small_model


def aura(*arguments: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, [*map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


@pytest.fixture
def runs(tmp_path: Path) -> tuple[Path, Path]:
    """A run without sound and a run without picture."""
    config = small_model().config
    places = tmp_path / "picture.pth", tmp_path / "sound.pth"
    for path, missing in zip(places, ("enable_audio", "enable_video"), strict=True):
        model = build(config.model_copy(update={missing: False}), pretrained=False)
        save_checkpoint(path, model, epoch=2, metrics={"auc": 0.9})
    return places


def test_two_runs_become_one_trained_model_that_is_served(runs: tuple[Path, Path], tmp_path: Path) -> None:
    joined, folder = tmp_path / "default.pth", tmp_path / "shipped"
    code, output = aura("join", *runs, "--out", joined, "--name", "small-default")
    assert code == 0, output

    calibration = Calibration(method="platt", scale=1.3, bias=-0.2)
    (tmp_path / "calibration.json").write_text(calibration.model_dump_json())
    (tmp_path / "card.md").write_text("# What it is\n")
    papers = ("--calibration", tmp_path / "calibration.json", "--card", tmp_path / "card.md")
    code, output = aura("ship", joined, *papers, "--model-version", "default-1", "--out", folder)
    assert code == 0, output
    scores = ModelDirectory(folder).load().score_chunk(make_chunk(1))
    assert (scores.model_version, scores.trained, scores.calibration) == ("default-1", True, calibration)
    assert (folder / "MODEL_CARD.md").read_text() == "# What it is\n"


def test_what_does_not_fit_is_told_in_a_sentence_and_leaves_nothing(runs: tuple[Path, Path], tmp_path: Path) -> None:
    picture, sound = runs
    broken = tmp_path / "broken.pth"
    broken.write_bytes(b"no weights")
    for given, sentence in (
        ((sound, picture), "the first model has to look and not listen"),
        ((broken, sound), f"{broken} cannot be joined: {broken} is no complete checkpoint"),
        ((picture, broken), f"{broken} cannot be joined: {broken} is no complete checkpoint"),
        ((*runs, "--sound-calibration", broken), "cannot be joined: 1 validation error for Calibration"),
    ):
        code, output = aura("join", *given, "--out", tmp_path / "joined.pth")
        assert code == 1
        assert sentence in output
    assert not (tmp_path / "joined.pth").exists()


def test_the_model_that_comes_with_the_code_is_whole_trained_and_small_enough() -> None:
    assert read_verified(DEFAULT_MODEL).trained
    assert sum(path.stat().st_size for path in DEFAULT_MODEL.iterdir()) <= MAX_BYTES
