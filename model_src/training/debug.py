"""The whole pipeline in two minutes on two cores: makes its own tiny data, trains the compact model a little."""

from __future__ import annotations

import shutil
from pathlib import Path

from model_src.data.extract import EXTRACT_SETTINGS, extract_all
from model_src.data.find import load_videos
from model_src.data.made_clips import make_dataset
from model_src.data.store import Store
from model_src.data.video import Video
from model_src.training.run import Outcome, train
from model_src.training.settings import TrainSettings, load_settings

VIDEOS = {"train": 6, "val": 4}
NAME = "debug.pth"
EXTRACTED = "extracted"


def debug_settings(work: Path) -> TrainSettings:
    return load_settings(
        None,
        **{
            "model": "compact",
            "pretrained": False,
            "seed": 0,
            "batch_size": 6,
            "num_workers": 0,
            "device": "cpu",
            "ema": None,
            "data.extracted": work / EXTRACTED,
            "data.augment": False,
            "data.windows_per_video": 2,
            "data.validation_windows": 1,
            "optimizer.learning_rate": 1e-3,
            "schedule.kind": "constant",
            "stop.epochs": 3,
            "stop.patience": None,
            "keep.folder": work / "run",
            "keep.every_epochs": 100,
        },
    )


def debug_videos(work: Path) -> list[Video]:
    """Made and extracted once."""
    videos = load_videos(make_dataset(work / "clips", per_split=VIDEOS))
    for _ in extract_all(videos, Store(work / EXTRACTED), EXTRACT_SETTINGS, workers=2):
        pass
    return videos


def train_debug(work: Path, checkpoints: Path) -> tuple[Outcome, Path]:
    """Data under `work`, made once; the weights as `checkpoints/debug.pth`."""
    settings = debug_settings(work)
    shutil.rmtree(settings.keep.folder, ignore_errors=True)  # of the time before
    outcome = train(settings, debug_videos(work))
    checkpoints.mkdir(parents=True, exist_ok=True)
    target = checkpoints / NAME
    target.write_bytes(outcome.latest.read_bytes())
    return outcome, target
