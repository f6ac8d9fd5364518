"""From videos on disk to a checkpoint, as the command does it; a spot instance that goes takes nothing with it."""

from __future__ import annotations

import logging
import signal
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from infra.cli import app
from model_src.data.dataset import NothingToLearnFrom
from model_src.data.extract import extract_all, store_beside
from model_src.data.find import load_videos
from model_src.data.identities import IdentityLeak
from model_src.data.made_clips import make_dataset
from model_src.data.video import Video
from model_src.models import load_for_inference
from model_src.models.checkpoint import LATEST_NAME
from model_src.training.going_on import FolderTaken
from model_src.training.position import Stopped
from model_src.training.run import train
from model_src.training.settings import TrainSettings, load_settings
from model_src.training.solve import CannotSolve
from model_src.training.trainer import Trainer
from model_src.training_job.deliver import best_checkpoint
from tests.unit.data.made_windows import made_video
from tests.unit.training.made_run import learner, settings, watcher


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = make_dataset(tmp_path_factory.mktemp("run"), per_split={"train": 4, "val": 2}, seconds=1.2)
    for _ in extract_all(load_videos(root), store_beside(root), workers=2):
        pass
    return root


def chosen(folder: Path) -> TrainSettings:
    """With augmentation, and every real beside a fake that is made of it."""
    changes = {"model": learner().model_dump(), "pretrained": False, "data.self_made_fakes": True}
    return settings(folder, **changes, **{"stop.epochs": 1, "data.validation_windows": 1, "batch_size": 2})


def aura_train(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["train", *map(str, arguments)], env={"COLUMNS": "200"})


def test_videos_become_a_checkpoint_and_what_is_missing_is_counted(
    root: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    videos: list[Video] = [*load_videos(root), made_video(99)]
    with caplog.at_level(logging.WARNING):
        outcome = train(chosen(tmp_path), videos, data_root=root)
    assert "1 of 7 videos are left out: not_extracted 1" in caplog.text
    assert outcome.epochs == 1
    assert load_for_inference(outcome.latest).config.name == "tiny"
    assert (tmp_path / "metrics.jsonl").is_file()


def test_one_layer_is_solved_for_by_the_same_command_and_cannot_be_resumed(root: Path, tmp_path: Path) -> None:
    asked = chosen(tmp_path).model_copy(update={"model": watcher().model_dump(mode="json"), "solve": True})
    outcome = train(asked, load_videos(root), data_root=root)
    assert load_for_inference(outcome.best).video_head.output.weight.abs().max() > 0
    assert best_checkpoint(tmp_path) == outcome.best  # as a training job looks for what it delivers
    assert (tmp_path / "held_back.csv").is_file()
    assert '"kind": "solve"' in (tmp_path / "metrics.jsonl").read_text()
    with pytest.raises(CannotSolve, match="nothing to resume"):
        train(asked, load_videos(root), data_root=root, resume=outcome.best)
    with pytest.raises(ValueError, match="no state of a run"):
        train(asked.model_copy(update={"solve": False}), load_videos(root), data_root=root, resume=outcome.latest)


def test_sigterm_saves_and_the_next_run_goes_on(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    step = Trainer._step

    def told_to_go(self: Trainer, batches: list) -> dict[str, float]:
        losses = step(self, batches)
        # What the system would call; sent for real, a signal that finds no handler would take the whole test run down.
        handler = signal.getsignal(signal.SIGTERM)
        assert callable(handler)
        handler(signal.SIGTERM, None)
        return losses

    monkeypatch.setattr(Trainer, "_step", told_to_go)
    with pytest.raises(Stopped, match="stopped at step 1"):
        train(chosen(tmp_path), load_videos(root), data_root=root)
    monkeypatch.undo()
    outcome = train(chosen(tmp_path), load_videos(root), data_root=root, resume=tmp_path / "multimodal_latest.pth")
    assert outcome.epochs == 1


def test_a_folder_with_a_run_in_it_is_not_mixed_with_another(root: Path, tmp_path: Path) -> None:
    (tmp_path / LATEST_NAME).write_bytes(b"of another run")
    with pytest.raises(FolderTaken, match=rf"--resume {tmp_path / LATEST_NAME};.*keep\.folder"):
        train(chosen(tmp_path), load_videos(root), data_root=root)
    with pytest.raises(FolderTaken):
        train(chosen(tmp_path), load_videos(root), data_root=root, resume=root / LATEST_NAME)


@pytest.mark.parametrize(
    ("asked", "complaint"),
    [
        (["--resume", "none.pth"], "no weights at none.pth"),
        (["--resume", __file__], "test_run.py is no complete checkpoint"),
        (["--device", "gpu"], "nothing can be computed on 'gpu' here"),
        (["--device", "cuda:7"], "nothing can be computed on 'cuda:7' here"),
        (["--batch-size", 16], "4 windows are too few for one step of 16 in 2 parts"),
    ],
)
def test_what_cannot_be_trained_so_is_said_in_a_sentence(
    root: Path, tmp_path: Path, asked: list[object], complaint: str
) -> None:
    plain = chosen(tmp_path / "run").model_dump(mode="json")
    plain["optimizer"]["accumulate"] = 2
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(plain))
    done = aura_train("--config", tmp_path / "run.yaml", "--data-root", root, *asked)
    assert done.exit_code == 1
    assert complaint in done.output


def test_what_comes_after_a_run_that_was_stopped_is_not_done(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in `aura train && aura evaluate`."""

    def stop(*_: object, **__: object) -> None:
        raise Stopped("stopped at step 1")

    monkeypatch.setattr("model_src.training.run.train", stop)
    assert aura_train("--data-root", root).exit_code == 143


def test_off_without_quotes_is_off(tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text("amp: off\n")
    assert load_settings(tmp_path / "run.yaml").amp == "off"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (None, "run.yaml cannot be read: No such file"),
        ("stop: [1", "run.yaml is no YAML"),
        ("stop:\n", "stop.epochs cannot be set: stop is None"),
        ("just words\n", "run.yaml holds no settings"),
        ("model: contract-v9\n", "no model is called 'contract-v9'"),
        (
            "data: {frames: 1}\nmodel: {name: mine, fusion: {temporal_consistency_loss: {enabled: true}}}\n",
            "compares frames, and data.frames is 1",
        ),
    ],
)
def test_settings_that_cannot_be_used_are_refused_in_a_sentence(
    root: Path, tmp_path: Path, text: str | None, complaint: str
) -> None:
    config = tmp_path / "run.yaml"
    if text is not None:
        config.write_text(text)
    done = aura_train("--config", config, "--data-root", root, "--epochs", 1)
    assert done.exit_code == 1
    assert complaint in done.output


def test_nothing_extracted_and_known_people_are_refused_before_training(tmp_path: Path) -> None:
    with pytest.raises(NothingToLearnFrom, match="aura extract"):
        train(chosen(tmp_path), [made_video(0)], data_root=tmp_path)
    leaking = [made_video(0, "train", identities=("anna",)), made_video(1, "val", identities=("anna",))]
    with pytest.raises(IdentityLeak, match="anna"):
        train(chosen(tmp_path), leaking, data_root=tmp_path)
