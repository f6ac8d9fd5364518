"""How fast windows come to the trainer: preextracted next to splitting on the fly, and how long training waits.

    python -m infra.bench.train            # writes out/bench-train.json

The videos are the made talking head. `waiting_share` is the share of a training epoch of the compact model in which
the network has nothing to do, with the given number of reading processes.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from infra.bench.figures import save
from model_src.data.dataset import WindowDataset
from model_src.data.extract import extract_all
from model_src.data.find import load_videos
from model_src.data.made_clips import make_dataset
from model_src.data.source import OnTheFly, Preextracted, Source
from model_src.data.store import Store
from model_src.data.video import Video
from model_src.models import build
from model_src.training.settings import load_settings
from model_src.training.trainer import Trainer


def samples_per_second(videos: list[Video], source: Source, items: int) -> float:
    dataset = WindowDataset(videos, source)
    begun = time.perf_counter()
    for number in range(items):
        dataset[(0, number % len(dataset))]
    return items / (time.perf_counter() - begun)


def waiting_share(videos: list[Video], source: Source, folder: Path, workers: int) -> dict[str, float]:
    settings = load_settings(
        None,
        **{
            "model": "compact", "pretrained": False, "batch_size": 4, "num_workers": workers, "ema": None,
            "stop.epochs": 1, "keep.folder": folder, "log.tensorboard": False, "device": "auto",
        },
    )  # fmt: skip
    learn = WindowDataset(videos, source, windows_per_video=4)
    check = WindowDataset(videos, source, sampling="uniform")
    trainer = Trainer(settings, build("compact", pretrained=False), learn, check)
    trainer.fit()
    return {name: trainer.metrics[name] for name in ("samples_per_second", "waiting_share")}


def bench(count: int, seconds: float, workers: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        videos = load_videos(make_dataset(folder / "clips", per_split={"train": count}, seconds=seconds))
        store = Store(folder / "extracted")
        begun = time.perf_counter()
        for _ in extract_all(videos, store, workers=os.cpu_count() or 1):
            pass
        extraction = time.perf_counter() - begun
        stored = samples_per_second(videos, Preextracted(store), 20 * count)
        fresh = samples_per_second(videos, OnTheFly(), count)
        return {
            "videos": count,
            "video_seconds": seconds,
            "extract_videos_per_second": round(count / extraction, 2),
            "preextracted_samples_per_second": round(stored, 1),
            "on_the_fly_samples_per_second": round(fresh, 2),
            "ratio": round(stored / fresh, 1),
            "training": waiting_share(videos, Preextracted(store), folder / "run", workers),
            "cores": len(os.sched_getaffinity(0)),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--videos", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=6.0, help="length of each video")
    parser.add_argument("--workers", type=int, default=1, help="processes that read data during training")
    arguments = parser.parse_args()
    figures = bench(arguments.videos, arguments.seconds, arguments.workers)
    for name, value in figures.items():
        print(f"{name:>34}  {value}")
    print("->", save("bench-train", figures))


if __name__ == "__main__":
    main()
