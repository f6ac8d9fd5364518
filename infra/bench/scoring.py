"""A clip scored every way, the design documents' next to ours on each backend: seconds, memory and differences.

(a) the design's way runs every window by itself through the whole network, in eager float32; (b) ours is the complete
`score_chunk`, with dropout passes and Grad-CAM, which (a) is spared. Each way is a process of its own, so that its
peak memory is its own. They take turns, one at a time, and medians count: whatever else the machine does slows all of
them alike.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

DESIGN = "design"


def compare(model_folder: Path, clip: Path, rounds: int) -> dict[str, dict[str, Any]]:
    """Figures of every way, the design's first."""
    from model_src.serving.backends import usable  # here: the measured processes import this file too

    workers = {way: Worker(way, model_folder, clip) for way in (DESIGN, *usable())}
    turns = [{way: worker.turn() for way, worker in workers.items()} for _ in range(rounds)]
    for worker in workers.values():
        worker.close()
    return {way: figures_of(way, turns) for way in workers}


class Worker:
    """One way in a process of its own, which scores the clip when it is told to."""

    def __init__(self, way: str, model_folder: Path, clip: Path) -> None:
        command = [sys.executable, "-W", "ignore", "-m", "infra.bench.one_way", way]
        self._child = subprocess.Popen(
            [*command, str(model_folder), str(clip)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"OMP_WAIT_POLICY": "PASSIVE"},  # as `serve` runs; those that wait must not spin
        )
        self.answer()

    def turn(self) -> dict[str, Any]:
        assert self._child.stdin is not None
        self._child.stdin.write("go\n")
        self._child.stdin.flush()
        return dict(self.answer())

    def answer(self) -> Any:
        assert self._child.stdout is not None
        for line in self._child.stdout:
            if line.startswith(("{", '"ready"')) and '"level"' not in line:  # the rest is the log
                return json.loads(line)
        raise RuntimeError(f"a measured process ended with {self._child.wait()}")

    def close(self) -> None:
        assert self._child.stdin is not None
        self._child.stdin.close()
        self._child.wait()


def figures_of(way: str, turns: Sequence[dict[str, dict[str, Any]]]) -> dict[str, Any]:
    """Figures of one way, out of what every way answered in each turn."""
    from model_src.serving.parity import difference

    taken = [turn[way] for turn in turns]
    ours, reference = taken[-1]["probabilities"], turns[-1][DESIGN]["probabilities"]
    found = difference(ours, reference)
    return {
        "seconds": round(median(each["seconds"] for each in taken), 3),
        "ratio": round(median(turn[DESIGN]["seconds"] / turn[way]["seconds"] for turn in turns), 2),
        "peak_mb": round(max(each["peak_mb"] for each in taken)),  # while the model starts
        "resident_mb": round(taken[-1]["resident_mb"]),  # while it serves
        "max_diff": found.largest,
        "same_class": found.same_class,
        "crossed_one_half": crossed(ours, reference),
        "cam_share": round(median(each["cam_seconds"] / each["seconds"] for each in taken), 4),
    }


def crossed(ours: list[float], reference: list[float]) -> int:
    """Windows on the other side of one half than the design's. All are 'uncertain' either way if `same_class` holds."""
    return sum((a > 0.5) != (b > 0.5) for a, b in zip(ours[::3], reference[::3], strict=True))
