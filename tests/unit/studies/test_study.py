"""Studies on real files: trained once, scored once, made anew without moving lips against speech."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from infra.cli import app
from model_src.data.extract import extract_all, store_beside
from model_src.data.find import load_videos
from model_src.data.made_clips import make_dataset
from model_src.data.manifest import write_manifest
from model_src.evaluation.score import load_predictor
from model_src.models import load_for_inference
from model_src.preprocess.audio import Sound
from model_src.preprocess.chunk import SAMPLE_RATE
from model_src.preprocess.limits import Limits
from model_src.preprocess.scan import scan
from model_src.preprocess.source import open_video
from model_src.studies import train_variant
from model_src.studies.conditions import CONDITIONS, h264
from model_src.studies.cross import matrix
from model_src.studies.remake import NotRemade, StoredSound, remake
from model_src.studies.robustness import CLEAN, robustness, table_of
from model_src.studies.study import Study
from model_src.studies.variant import Variant
from model_src.training import run
from model_src.training.settings import TrainSettings
from tests.unit.data.made_windows import made_video
from tests.unit.studies.made_study import CHEAP
from tests.unit.training.made_run import learner, settings

SECONDS = 1.6


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    root = make_dataset(tmp_path_factory.mktemp("study"), per_split={"train": 4, "val": 2}, seconds=SECONDS)
    for _ in extract_all(load_videos(root), store_beside(root), workers=2):
        pass
    return root


@pytest.fixture(scope="module")
def study(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Study:
    changes = {"stop.epochs": 1, "data.validation_windows": 1, "batch_size": 2, "data.augment": False}
    out = tmp_path_factory.mktemp("out")
    base = settings(out, model=learner(**CHEAP).model_dump(), pretrained=False, **changes)
    return Study(base, load_videos(root), out, root)


@pytest.fixture(scope="module")
def checkpoint(study: Study) -> Path:
    settings_ = Variant("", {"model.enable_audio": False}).settings(study.base)
    return train_variant.train_variant("picture", settings_, study.videos, study.out, study.data_root)


def test_a_finished_variant_is_not_trained_again(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    trained: list[str] = []
    train = run.train

    def counting(chosen, *arguments, **named):  # type: ignore[no-untyped-def]
        trained.append(chosen.model_settings().fusion.kind)
        return train(chosen, *arguments, **named)

    monkeypatch.setattr(train_variant, "train", counting)
    same = Variant("same as ever", {"model.fusion.kind": study.base.model_settings().fusion.kind})
    first = study.run([Variant("side by side", {"model.fusion.kind": "concat"}), same])
    again = study.run([Variant("side by side", {"model.fusion.kind": "concat"})])
    assert trained == ["cross_modal", "concat"]
    assert [name for name, _, _ in first] == ["baseline", "side by side", "same as ever"]
    assert first[:2] == again
    assert first[2][1].difference == 0


def test_a_variant_is_trained_again_when_more_videos_are_extracted(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trained(chosen: TrainSettings, *_: object, **__: object) -> run.Outcome:
        return run.Outcome(0.5, chosen.keep.folder / "best.pth", chosen.keep.folder / "latest.pth", 1, {})

    monkeypatch.setattr(train_variant, "train", trained)
    train = partial(train_variant.train_variant, "half", study.base, study.videos, tmp_path / "out", tmp_path)
    half = train()
    untouched = [*study.videos, made_video(99, "test")]
    assert train_variant.train_variant("half", study.base, untouched, tmp_path / "out", tmp_path) == half
    whole = store_beside(study.data_root or tmp_path).record(study.videos[0].video_id)
    assert whole is not None
    store_beside(tmp_path).write_record(whole)
    assert train() != half


def test_a_video_that_was_missing_is_looked_for_again(study: Study, checkpoint: Path, tmp_path: Path) -> None:
    place = tmp_path / "video.mp4"
    videos = [video.model_copy(update={"path": place}) for video in study.videos if video.split == "val"][:1]
    asked = partial(robustness, load_predictor(checkpoint, "cpu"), "weights", videos, {}, tmp_path / "scores")
    assert [row.left_out for row in asked()] == [{"missing_file": 1}]
    place.write_bytes((study.data_root / "val" / "val_000" / "video.mp4").read_bytes())  # type: ignore[operator]
    assert [row.left_out for row in asked()] == [{}]


def test_trained_models_fill_the_matrix(study: Study, checkpoint: Path, root: Path, tmp_path: Path) -> None:
    tests = [video.model_copy(update={"split": "test"}) for video in study.videos if video.split == "val"]
    cells = matrix({"mine": checkpoint}, tests, store_beside(root), tmp_path)
    assert [(cell.learnt, cell.tested, cell.found.videos) for cell in cells] == [("mine", "made", 2)]
    assert cells[0].found.auc is not None


def test_what_happens_to_the_sound_is_nothing_to_a_model_that_only_looks(
    study: Study, checkpoint: Path, tmp_path: Path
) -> None:
    """The picture is copied as it is; and scores are kept, so that a study that was interrupted goes on."""
    videos = [video for video in study.videos if video.split == "val"]
    chosen = {name: CONDITIONS[name] for name in ("H.264 crf 40", "phone band")}
    rows = robustness(load_predictor(checkpoint, "cpu"), "weights", videos, chosen, tmp_path)
    assert [row.condition for row in rows] == [CLEAN, *chosen]
    assert rows[1].mean_shift != 0
    assert (rows[2].mean_shift, rows[2].changed) == (0, 0)
    (tmp_path / "phone-band.json").unlink()
    broken = StoredSound("no_such_codec", SAMPLE_RATE)
    more = robustness(load_predictor(checkpoint, "cpu"), "weights", videos, chosen | {"alien": broken}, tmp_path)
    assert more[:3] == rows
    assert "alien: left out 2 no encoder no such codec" in "\n".join(table_of(more, "made anew").notes)


@pytest.mark.parametrize("name", ["H.264 crf 23", "H.265 crf 28", "MP3 64 kbit/s", "AAC 32 kbit/s", "Opus 24 kbit/s"])
def test_a_video_made_anew_keeps_its_length_and_its_sound_in_place(root: Path, tmp_path: Path, name: str) -> None:
    source = root / "val" / "val_000" / "video.mp4"
    remake(source, tmp_path / "anew", CONDITIONS[name])
    before, heard = times_and_sound(source)
    after, found = times_and_sound(tmp_path / "anew")
    assert after == pytest.approx(before, abs=1e-3)
    reach = SAMPLE_RATE // 50  # 20 ms
    middle = heard[4000:12000]
    fit = [float(middle @ found[4000 + lag : 12000 + lag]) for lag in range(-reach, reach)]
    assert abs(int(np.argmax(fit)) - reach) <= SAMPLE_RATE // 200  # 5 ms


def times_and_sound(path: Path) -> tuple[list[float], np.ndarray]:
    limits = Limits()
    with open_video(path, limits) as descriptor:
        found = scan(descriptor, limits)
        with Sound(descriptor, found.start * found.time_base, limits) as sound:
            heard = sound.take(0, round(SECONDS * SAMPLE_RATE)).astype(np.float64)
    return [float((time - found.start) * found.time_base) for time in found.times], heard


def test_a_silent_video_is_left_out_of_what_changes_the_sound(root: Path, tmp_path: Path) -> None:
    with av.open(str(root / "val" / "val_000" / "video.mp4")) as given, av.open(tmp_path / "mute.mp4", "w") as mute:
        copy = mute.add_stream_from_template(given.streams.video[0])
        for packet in given.demux(video=0):
            if packet.dts is not None:
                packet.stream = copy
                mute.mux(packet)
    with pytest.raises(NotRemade, match="no_sound"):
        remake(tmp_path / "mute.mp4", tmp_path / "anew", CONDITIONS["phone band"])
    remake(tmp_path / "mute.mp4", tmp_path / "anew", h264(30))
    assert (tmp_path / "anew").stat().st_size > 0


def test_the_attack_command_ends_in_a_table_and_a_curve(checkpoint: Path, root: Path, tmp_path: Path) -> None:
    assert load_for_inference(checkpoint).config.enable_audio is False
    given = ["--checkpoint", str(checkpoint), "--data-root", str(root), "--extracted", str(store_beside(root).root)]
    done = CliRunner().invoke(
        app, ["attack", *given, "--split", "val", "--windows", "1", "--steps", "1", "--epsilon", "4", "--device", "cpu",
              "--out", str(tmp_path)]
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert {"attack.csv", "attack.json", "attack.md", "attack.png"} <= {file.name for file in tmp_path.iterdir()}


def test_a_model_is_judged_and_calibrated_and_what_is_left_out_is_told(
    checkpoint: Path, root: Path, tmp_path: Path
) -> None:
    videos = [*load_videos(root), made_video(99, "val")]
    write_manifest(tmp_path / "all.json", videos)
    given = ["--checkpoint", str(checkpoint), "--manifest", str(tmp_path / "all.json"), "--device", "cpu"]
    given += ["--extracted", str(store_beside(root).root), "--split", "val"]
    judged = CliRunner().invoke(app, ["evaluate", *given, "--out", str(tmp_path / "report")])
    assert judged.exit_code == 0, judged.output
    assert "2 videos, AUC" in judged.output
    assert "left out: 1 not extracted" in judged.output
    assert (tmp_path / "report" / "report.html").is_file()
    out = str(tmp_path / "model")
    calibrated = CliRunner().invoke(app, ["calibrate", *given, "--out", out])
    assert calibrated.exit_code == 0, calibrated.output
    told = " ".join(calibrated.output.split())  # however narrow the terminal
    assert "unknown on people left out of the fit: without some, the others are all real" in told
    assert (tmp_path / "model" / "calibration.json").is_file()


@pytest.mark.parametrize("command", ["evaluate", "calibrate", "robustness", "shortcuts", "attack"])
def test_a_file_that_is_no_checkpoint_is_named_by_whatever_reads_it(root: Path, tmp_path: Path, command: str) -> None:
    broken = tmp_path / "broken.pth"
    broken.write_bytes(b"no weights")
    done = CliRunner().invoke(app, [command, "--checkpoint", str(broken), "--data-root", str(root)])
    assert done.exit_code == 1
    assert f"{broken} is no complete checkpoint" in done.output


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (["sweep", "--set", "loss.lip_sync"], "sets nothing"),
        (["robustness", "--checkpoint", "none.pth", "--only", "rain"], "no condition begins with rain"),
    ],
)
def test_a_study_that_cannot_be_made_ends_with_a_sentence(root: Path, command: list[str], sentence: str) -> None:
    done = CliRunner().invoke(app, [*command, "--data-root", str(root)])
    assert done.exit_code == 1
    assert sentence in done.output


@pytest.mark.parametrize("command", ["ablate", "attack", "calibrate", "evaluate", "robustness", "shortcuts", "sweep"])
def test_a_split_nobody_knows_is_refused_with_those_there_are(root: Path, tmp_path: Path, command: str) -> None:
    given = [command, "--data-root", str(root), "--split", "tset", "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(app, given, env={"COLUMNS": "200"})
    assert done.exit_code == 2
    assert "'tset' is not one of 'train', 'val', 'test'" in done.output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("given", ["nameless", "=best.pth", "dfdc="])
def test_a_model_without_a_name_or_a_place_cannot_be_a_row_of_the_matrix(given: str) -> None:
    done = CliRunner().invoke(app, ["cross", "--checkpoint", given], env={"COLUMNS": "200"})
    assert done.exit_code == 2
    assert f"--checkpoint takes name=value, not '{given}'" in done.output


def test_robustness_on_no_videos_writes_no_table(checkpoint: Path, root: Path, tmp_path: Path) -> None:
    given = ["robustness", "--checkpoint", str(checkpoint), "--data-root", str(root), "--device", "cpu"]
    done = CliRunner().invoke(app, [*given, "--split", "test", "--out", str(tmp_path / "out")])
    assert done.exit_code == 1
    assert "there is no video of test" in done.output
    assert not (tmp_path / "out").exists()
