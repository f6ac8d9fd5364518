"""The training container's command on a made /opt/ml: it learns, delivers, and survives an interruption."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from model_src.data.extract import extract_all, store_beside
from model_src.data.find import load_videos
from model_src.data.made_clips import make_dataset
from model_src.models.checkpoint import LATEST_NAME, load_checkpoint
from model_src.serving.manifest import read_verified
from model_src.serving.model_directory import ModelDirectory
from model_src.training.position import STOPPED
from model_src.training_job.metric_lines import METRICS, definitions
from tests.unit.serving.chunks import make_chunk
from tests.unit.training.made_run import watcher
from tests.unit.training_job.tree import lay_out, start

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
PATIENCE = 300  # seconds for what takes ten: a busy machine is no failure


@dataclass(frozen=True)
class Runs:
    whole: Path
    whole_said: str
    broken: Path
    stopped_at: int
    stopped_with: int


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """The same job twice: once without a break, once told to go in the middle of it and started again."""
    folder = tmp_path_factory.mktemp("sagemaker")
    videos = make_dataset(folder / "videos", per_split={"train": 2, "val": 2}, seconds=1.2)
    for _ in extract_all(load_videos(videos), store_beside(videos), workers=2):
        pass
    whole, broken = (lay_out(folder / name, videos, **{"keep.every_steps": "1"}) for name in ("whole", "broken"))
    latest = broken / "checkpoints" / LATEST_NAME
    started = [start(broken), start(whole)]
    interrupted, unbroken = started
    try:
        wait_for(latest, interrupted, broken)
        interrupted.send_signal(signal.SIGTERM)
        stopped_with = interrupted.wait(timeout=PATIENCE)
        stopped_at = steps_of(broken)
        started.append(start(broken))
        said = finish(unbroken, whole)
        finish(started[-1], broken)
    finally:
        for process in started:
            process.kill()
    return Runs(whole, said, broken, stopped_at, stopped_with)


def wait_for(path: Path, process: subprocess.Popen[str], root: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while not path.exists():
        assert process.poll() is None, (root / "log.txt").read_text()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def steps_of(root: Path) -> int:
    return load_checkpoint(root / "checkpoints" / LATEST_NAME)["training_state"]["position"]["total_steps"]


def finish(process: subprocess.Popen[str], root: Path) -> str:
    said, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, (root / "log.txt").read_text()[-3000:]
    return said


def test_what_a_job_leaves_is_verified_and_served(runs: Runs) -> None:
    folder = runs.whole / "model"
    manifest = read_verified(folder)
    assert {path.name for path in folder.iterdir()} == {"manifest.json", *manifest.files}
    assert {"model.safetensors", "config.json", "calibration.json", "evaluation.json", "model_card.md"} <= (
        manifest.files.keys()
    )
    scores = ModelDirectory(folder).load().score_chunk(make_chunk(1))
    assert (scores.model_version, scores.trained, scores.calibration.method) == ("aura-2026-11", True, "temperature")
    assert not (runs.whole / "output" / "failure").exists()
    assert (runs.whole / "output" / "data" / "report.html").is_file()


def test_a_spot_machine_that_goes_takes_nothing_with_it(runs: Runs) -> None:
    assert runs.stopped_with == STOPPED
    assert 0 < runs.stopped_at < steps_of(runs.whole)
    assert not (runs.broken / "output" / "failure").exists()


def test_an_interrupted_job_ends_with_the_weights_of_an_unbroken_one_bit_for_bit(runs: Runs) -> None:
    one, other = (load_checkpoint(root / "checkpoints" / LATEST_NAME) for root in (runs.whole, runs.broken))
    assert one["training_state"]["position"] == other["training_state"]["position"]
    for part in (lambda saved: saved["model_state_dict"], lambda saved: saved["training_state"]["learning_weights"]):
        assert all(torch.equal(value, part(other)[name]) for name, value in part(one).items())
    delivered = [read_verified(root / "model").files["model.safetensors"] for root in (runs.whole, runs.broken)]
    assert delivered[0] == delivered[1]


def test_the_patterns_find_every_metric_in_the_lines_that_were_printed(runs: Runs) -> None:
    written: list[dict[str, Any]] = [
        entry
        for text in (runs.whole / "checkpoints" / "metrics.jsonl").read_text().splitlines()
        if (entry := json.loads(text))["kind"] == "epoch"
    ]
    assert len(written) == 2
    for metric in (metric for metric in definitions() if metric["Name"] in METRICS):
        found = [float(number) for number in re.findall(metric["Regex"], runs.whole_said)]
        expected = [entry[METRICS[metric["Name"]]] for entry in written]
        assert found == pytest.approx(expected, rel=1e-5), metric["Name"]


def test_the_card_tells_data_recipe_figures_and_limits(runs: Runs) -> None:
    card = (runs.whole / "model" / "model_card.md").read_text()
    assert card.startswith("# aura-2026-11\n")
    assert "| made | train | 1 | 1 | 2 | clumsy |" in card
    assert "epochs: 2" in card
    assert re.search(r"\| AUC \| \d\.\d{3} ", card)
    assert "validation videos, which also chose its epoch" in card
    assert str(runs.whole) not in card


def test_a_job_that_solves_for_its_layer_delivers_it_and_does_not_solve_twice(tmp_path: Path) -> None:
    videos = make_dataset(tmp_path / "videos", per_split={"train": 4, "val": 2}, seconds=1.2)
    for _ in extract_all(load_videos(videos), store_beside(videos), workers=2):
        pass
    root = lay_out(tmp_path / "solve", videos, model=watcher().model_dump_json(), solve="true")
    assert "validation:auc=" in finish(start(root), root)
    assert read_verified(root / "model").trained
    finish(start(root), root)  # stopped while it delivered, and started again
    assert "solved already" in (root / "log.txt").read_text()
