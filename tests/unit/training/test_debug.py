"""`aura train --debug`: from nothing to weights that can be loaded, in a minute."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from model_src.models import load_for_inference
from model_src.models.checkpoint import LATEST_NAME
from model_src.training import debug
from model_src.training.debug import train_debug
from model_src.training.run import Outcome
from model_src.training.settings import TrainSettings


@pytest.mark.timeout(300)
def test_debug_training_makes_its_own_data_learns_from_it_and_leaves_weights(tmp_path: Path) -> None:
    torch.set_num_threads(1)  # other tests run on the other core
    outcome, target = train_debug(tmp_path / "out", tmp_path / "checkpoints")
    assert target == tmp_path / "checkpoints" / "debug.pth"
    assert load_for_inference(target).config.name == "compact"
    lines = [json.loads(line) for line in (tmp_path / "out" / "run" / "metrics.jsonl").read_text().splitlines()]
    losses = [line["train_main"] for line in lines if line["kind"] == "epoch"]
    assert len(losses) == outcome.epochs
    assert losses[-1] < 0.8 * losses[0]


def test_debug_training_can_be_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def train(settings: TrainSettings, _: object) -> Outcome:
        latest = settings.keep.folder / LATEST_NAME
        assert not latest.exists()
        latest.parent.mkdir()
        latest.write_bytes(b"weights")
        return Outcome(0.5, latest, latest, 1, {})

    monkeypatch.setattr(debug, "train", train)
    monkeypatch.setattr(debug, "debug_videos", lambda _: [])
    (tmp_path / "out").mkdir()
    for _ in range(2):
        train_debug(tmp_path / "out", tmp_path / "checkpoints")
