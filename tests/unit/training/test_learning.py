"""The pipeline learns what tells real from fake, with the sense that can tell, and nothing leaks to the other one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from model_src.data.dataset import WindowDataset
from model_src.data.source import Choose
from model_src.data.video import Video
from model_src.models import build
from model_src.preprocess.chunk import Chunk
from model_src.training.trainer import Trainer
from tests.unit.data.made_windows import MadeSource, Mark, made_videos
from tests.unit.serving.chunks import make_chunk
from tests.unit.training.made_run import learner, settings

SIGHT, HEARING = {"enable_audio": False}, {"enable_video": False}
CHEAP = {"video": {"backbone": "test_byobnet", "frame_size": 224}, "temporal": {"kind": "avg_pool"}}


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class FirstWindow(MadeSource):
    """Two frames and a second of sound are enough to tell."""

    def draw(self, video: Video, _: Choose) -> tuple[Chunk, int]:
        seed = int.from_bytes(video.video_id.encode()[-7:], "little") % 2**31
        chunk = make_chunk(1.0, rate=2.0, seed=seed)
        return self.mark(chunk, video, np.random.default_rng(seed)), 0


def fake_picture(chunk: Chunk, video: Video, _: np.random.Generator) -> Chunk:
    stripes = (40 * (np.arange(224) // 8 % 2)).astype(np.uint8)[None, :, None]
    return replace(chunk, crops=chunk.crops // 2 + stripes * np.uint8(video.label))


def fake_sound(chunk: Chunk, video: Video, _: np.random.Generator) -> Chunk:
    whistle = 4000 * video.label * np.sin(2 * np.pi * 3000 * np.arange(len(chunk.audio)) / 16_000)
    return replace(chunk, audio=(chunk.audio + whistle).astype(np.int16))


def run(
    folder: Path,
    mark: Mark,
    blind_or_deaf: dict[str, bool],
    seed: int = 0,
    videos: list[Video] | None = None,
    epochs: int = 5,
) -> float:
    """The AUC on videos that were not learnt from; `blind_or_deaf` leaves one sense out."""
    videos = videos or made_videos(64) + made_videos(30, "val")
    learn, check = ([video for video in videos if video.split == split] for split in ("train", "val"))
    changes = {"batch_size": 16, "stop.epochs": epochs, "stop.patience": None, "ema": None, "seed": seed}
    model = build(learner(**CHEAP, **blind_or_deaf), pretrained=False, seed=seed)
    source = FirstWindow(mark)
    trainer = Trainer(
        settings(folder, **changes),
        model,
        WindowDataset(learn, source, seed=seed),
        WindowDataset(check, source, sampling="uniform"),
    )
    trainer.fit()
    return trainer.metrics["auc"]


def test_a_forged_picture_is_seen(tmp_path: Path) -> None:
    assert run(tmp_path, fake_picture, SIGHT) > 0.95


def test_a_forged_picture_is_not_heard(tmp_path: Path) -> None:
    assert 0.3 < run(tmp_path, fake_picture, HEARING) < 0.7


def test_a_forged_voice_is_heard(tmp_path: Path) -> None:
    assert run(tmp_path, fake_sound, HEARING) > 0.95


def test_a_forged_voice_is_not_seen(tmp_path: Path) -> None:
    assert 0.3 < run(tmp_path, fake_sound, SIGHT, epochs=2) < 0.7


def nothing_forged(chunk: Chunk, _: Video, __: np.random.Generator) -> Chunk:
    return chunk


def test_shuffled_labels_cannot_be_learnt(tmp_path: Path) -> None:
    """Labels that say nothing about the windows: had they leaked, it would show on videos that were not learnt from."""
    learn, check = made_videos(64), made_videos(160, "val")
    labels = np.random.default_rng(1).permutation([video.label for video in learn + check])
    shuffled = [
        video.model_copy(update={"label": int(label)}) for video, label in zip(learn + check, labels, strict=True)
    ]
    aucs = [run(tmp_path / str(seed), nothing_forged, HEARING, seed, shuffled) for seed in range(2)]
    assert 0.4 < float(np.mean(aucs)) < 0.6
