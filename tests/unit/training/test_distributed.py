"""Two processes that share a batch train the model that one process with the whole batch trains."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from model_src.models import build
from model_src.models.checkpoint import load_checkpoint
from model_src.training.processes import share_statistics
from tests.house import HOUSE
from tests.unit.models.tiny import tiny_config
from tests.unit.training.distributed_run import calm_run
from tests.unit.training.made_run import watcher


def test_two_processes_equal_one(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "ignore", "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [*command, "-m", "tests.unit.training.distributed_run", str(tmp_path / "two")],
        cwd=HOUSE,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(HOUSE)},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    alone = calm_run(tmp_path / "one")
    together = load_checkpoint(tmp_path / "two" / alone.latest.name)
    assert together["training_state"]["position"]["total_steps"] == alone.position.total_steps == 3
    for name, value in alone.model.state_dict().items():
        difference = (together["training_state"]["learning_weights"][name] - value).abs().max()
        assert difference <= 1e-5, (name, float(difference))
    for name in ("val_loss", "auc"):
        assert abs(together["metrics"][name] - alone.metrics[name]) <= 1e-5
    one, other = together["training_state"]["random"]
    assert not torch.equal(one["torch"], other["torch"])  # each drops other units, and takes its own up on resuming


@pytest.mark.parametrize("backbone", ["test_efficientnet", "tf_efficientnet_lite0", "efficientnet_b3"])
def test_a_backbone_that_shares_its_statistics_sees_what_it_saw_alone(backbone: str) -> None:
    """Whatever its normalisation layers carry beside, such as activations."""
    model = build(tiny_config(video={"backbone": backbone, "frame_size": 64}), pretrained=False, seed=0).eval()
    frames = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        before = model.encode_frames(frames).embeddings
        share_statistics(model)
        torch.testing.assert_close(model.encode_frames(frames).embeddings, before)
    assert any(isinstance(module, torch.nn.SyncBatchNorm) for module in model.modules())


def test_what_normalises_regions_and_change_is_left_to_each_process() -> None:
    model = build(watcher(), pretrained=False, seed=0)
    share_statistics(model)
    assert model.video_encoder.regions is not None
    for part in (model.temporal, model.video_encoder.regions):
        assert not any(isinstance(module, torch.nn.SyncBatchNorm) for module in part.modules())
