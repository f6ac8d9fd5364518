"""`aura train --debug`: from nothing to weights that can be loaded, in a minute."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from model_src.models import load_for_inference
from model_src.training.debug import train_debug


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
