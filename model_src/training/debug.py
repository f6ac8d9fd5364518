"""The whole pipeline in under a minute on a laptop: makes its own tiny data, trains the compact model a little."""

from __future__ import annotations

from pathlib import Path

from model_src.data.extract import EXTRACT_SETTINGS, extract_all
from model_src.data.find import load_videos
from model_src.data.made_clips import make_dataset
from model_src.data.store import Store
from model_src.training.run import Outcome, train
from model_src.training.settings import TrainSettings, load_settings

VIDEOS = {"train": 6, "val": 4}
NAME = "debug.pth"


def debug_settings(work: Path, seed: int = 0) -> TrainSettings:
    return load_settings(
        None,
        **{
            "model": "compact",
            "pretrained": False,
            "seed": seed,
            "batch_size": 6,
            "num_workers": 0,
            "device": "cpu",
            "ema": None,
            "data.extracted": work / "extracted",
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


def train_debug(work: Path, checkpoints: Path, seed: int = 0) -> tuple[Outcome, Path]:
    """Data under `work`, made once; the weights as `checkpoints/debug.pth`."""
    settings = debug_settings(work, seed)
    videos = load_videos(make_dataset(work / "clips", per_split=VIDEOS))
    assert settings.data.extracted is not None
    for _ in extract_all(videos, Store(settings.data.extracted), EXTRACT_SETTINGS, workers=2):
        pass
    outcome = train(settings, videos)
    checkpoints.mkdir(parents=True, exist_ok=True)
    target = checkpoints / NAME
    target.write_bytes(outcome.latest.read_bytes())
    return outcome, target
