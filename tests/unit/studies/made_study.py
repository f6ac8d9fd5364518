"""A tiny model that learnt to see faint stripes in small pictures, and windows to attack it with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from model_src.data.batch import Batch, collate
from model_src.data.dataset import WindowDataset
from model_src.data.sample import UNKNOWN, Sample
from model_src.data.video import Video
from model_src.models import MultimodalModel, build
from model_src.training.trainer import Trainer
from tests.unit.data.made_windows import MadeSource, made_videos
from tests.unit.training.made_run import learner, settings

SIDE = 32
CHEAP = {"video": {"backbone": "test_efficientnet_gn", "frame_size": SIDE}, "temporal": {"kind": "avg_pool"}}
SEEN = made_videos(48)
UNSEEN = made_videos(24, "val")


class OneWindow(MadeSource):
    def count(self, _: Video) -> int:
        return 1


class Stripes(WindowDataset):
    """Two small grey frames a window; those of a fake have faint stripes."""

    def __init__(self, videos: list[Video]) -> None:
        super().__init__(videos, OneWindow())

    def __getitem__(self, place: tuple[int, int]) -> list[Sample]:
        video = self.videos[place[1]]
        generator = np.random.default_rng([place[1], video.split == "train"])
        crops = generator.integers(60, 190) + generator.integers(-8, 9, (2, SIDE, SIDE, 3))
        crops += 12 * video.label * (np.arange(SIDE) // 2 % 2)[None, :, None, None]
        return [
            Sample(
                crops=crops.astype(np.uint8),
                frame_mask=np.ones(2, np.bool_),
                points=np.zeros((2, 5, 2), np.float32),
                points_in_video=np.zeros((2, 5, 2), np.float32),
                flow=None,
                pcm=np.zeros(16_000, np.int16),
                voice=np.zeros(50, np.bool_),
                length=0,
                label=video.label,
                video_label=video.label,
                audio_label=video.label,
                in_sync=UNKNOWN,
                video_id=video.video_id,
                window=0,
            )
        ]


def trained(folder: Path, **changes: Any) -> MultimodalModel:
    """A model that looks and does not listen."""
    plain = {"batch_size": 16, "stop.epochs": 16, "stop.patience": None, "ema": None, "schedule.kind": "constant",
             "keep.every_epochs": 100}  # fmt: skip
    chosen = settings(folder, **(plain | changes))
    model = build(learner(**CHEAP, enable_audio=False), pretrained=False, seed=0)
    Trainer(chosen, model, Stripes(SEEN), Stripes(UNSEEN)).fit()
    return model.requires_grad_(False).eval()


def unseen_batch() -> Batch:
    dataset = Stripes(UNSEEN)
    return collate(dataset[0, number] for number in range(len(UNSEEN)))
