"""How fast a clip is scored: the design documents' way next to ours on every backend, and a whole job end to end.

    python -m infra.bench.serve            # writes out/bench-serve.json; about ten minutes

The clip is made of real frames and a synthetic voice, 30 s in 60 windows, split once. `scoring` says which ways score
it, `jobs` what a whole job is. Weights are random: speed asks for no more, and probabilities near one half show every
difference.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from infra.bench.figures import save
from infra.bench.gpu import measure_gpu
from infra.bench.jobs import JOB_RUNS, growth, measure_jobs
from infra.bench.material import BASE_SECONDS, CLIP_SECONDS, base_video, pack, repeat, split_clip
from infra.bench.scoring import compare

MODELS = ("contract-v1", "compact")


def bench(rounds: int, job_lengths: Sequence[int]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary)
        base = base_video(place / "base.mp4")
        lengths = {*job_lengths, CLIP_SECONDS}
        videos = {length: repeat(base, length // BASE_SECONDS, place / f"{length}.mp4") for length in sorted(lengths)}
        split_clip(videos[CLIP_SECONDS], place / "clip")
        figures: dict[str, Any] = {"cores": len(os.sched_getaffinity(0)), "rounds": rounds, "models": {}}
        for name in MODELS:
            rows = compare(pack(name, place / name), place / "clip", rounds)
            show(name, rows)
            figures["models"][name] = rows
            figures[f"ratio_{name.replace('-', '_')}"] = max(row["ratio"] for row in rows.values())
        figures |= summary(figures["models"]) | {"gpu": measure_gpu(place / "contract-v1", place / "clip")}
        if job_lengths:
            seconds = measure_jobs(place / "contract-v1", videos, place / "stack")
            figures["job_seconds"] = seconds
            figures["job_seconds_30s_720p"] = seconds[CLIP_SECONDS]
            figures |= growth(seconds)
    return figures


def show(name: str, rows: dict[str, dict[str, Any]]) -> None:
    print(
        f"\n{name:16} {'seconds':>8} {'ratio':>7} {'peak MB':>8} {'then MB':>8} {'max diff':>9} {'class':>6} {'CAM':>6}"
    )
    for way, row in rows.items():
        same = "same" if row["same_class"] else "OTHER"
        print(
            f"{way:16} {row['seconds']:8.2f} {row['ratio']:6.2f}x {row['peak_mb']:8} {row['resident_mb']:8} "
            f"{row['max_diff']:9.1e} {same:>6} {row['cam_share']:6.1%}",
            flush=True,
        )


def summary(models: dict[str, dict[str, dict[str, Any]]]) -> dict[str, Any]:
    """The largest differences of all models, and the share of Grad-CAM where scoring is fastest."""
    every = [(way, row) for rows in models.values() for way, row in rows.items()]
    fastest = max(models["contract-v1"].values(), key=lambda row: float(row["ratio"]))
    bf16 = [row["max_diff"] for way, row in every if way.endswith("bf16")]
    return {
        "max_diff_fp32": max(row["max_diff"] for way, row in every if not way.endswith("bf16")),
        "max_diff_bf16": max(bf16) if bf16 else None,
        "same_class": all(row["same_class"] for _, row in every),
        "cam_share": fastest["cam_share"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=3, help="turns of every way; their median counts")
    parser.add_argument("--no-jobs", action="store_true", help="leave the whole jobs on the embedded stack out")
    parser.add_argument("--longest", type=int, default=max(JOB_RUNS), help="seconds of the longest job, at least 120")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # stopped from outside, it still stops what it started
    longest = max(arguments.longest, 120)  # the growth needs three lengths
    figures = bench(arguments.rounds, [] if arguments.no_jobs else [each for each in JOB_RUNS if each <= longest])
    target = save("bench-serve", figures)
    print("\n", {name: value for name, value in figures.items() if name != "models"}, "->", target)


if __name__ == "__main__":
    main()
