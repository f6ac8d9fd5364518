"""Two processes that share a batch train the model that one process with the whole batch trains."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from model_src.models.checkpoint import load_checkpoint
from tests.unit.training.distributed_run import calm_run

HOUSE = Path(__file__).parents[3]


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
