"""The pipeline learns what tells real from fake, with the sense that can tell, and nothing leaks to the other one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from model_src.data.dataset import WindowDataset
from model_src.data.source import Choose, Source
from model_src.data.video import Video
from model_src.models import build
from model_src.preprocess.chunk import Chunk
from model_src.training.trainer import Trainer
from tests.unit.data.made_windows import MadeSource, made_videos, seed_of
from tests.unit.serving.chunks import make_chunk
from tests.unit.training.made_run import learner, settings
from tests.unit.training.talkers import Talkers, talkers

SIGHT, HEARING, BOTH = {"enable_audio": False}, {"enable_video": False}, {"lip_sync": {"dim": 16, "mix_weight": 0.5}}
BACKBONE = {"backbone": "test_convnext", "frame_size": 224}
CHEAP = {"video": BACKBONE, "temporal": {"kind": "avg_pool"}}

# AUCs of 320 videos that nothing tells apart scatter by 0.03 around 0.5: outside of this is no accident.
SEEN, UNSEEN, CHANCE = 320, 320, (0.4, 0.6)


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class FirstWindow(MadeSource):
    """Two small frames and a second of sound are enough to tell."""

    def draw(self, video: Video, _: Choose) -> tuple[Chunk, int]:
        seed = seed_of(video)
        chunk = make_chunk(1.0, rate=2.0, seed=seed)
        chunk = replace(chunk, crops=chunk.crops[:, ::2, ::2])
        return self.mark(chunk, video, np.random.default_rng(seed)), 0


def fake_picture(chunk: Chunk, video: Video, _: np.random.Generator) -> Chunk:
    stripes = (40 * (np.arange(112) // 4 % 2)).astype(np.uint8)[None, :, None]
    return replace(chunk, crops=chunk.crops // 2 + stripes * np.uint8(video.label))


def fake_sound(chunk: Chunk, video: Video, _: np.random.Generator) -> Chunk:
    whistle = 4000 * video.label * np.sin(2 * np.pi * 3000 * np.arange(len(chunk.audio)) / 16_000)
    return replace(chunk, audio=(chunk.audio + whistle).astype(np.int16))


def nothing_forged(chunk: Chunk, _: Video, __: np.random.Generator) -> Chunk:
    return chunk


def run(
    folder: Path, source: Source, senses: dict[str, Any], learn: list[Video], check: list[Video], **changes: Any
) -> float:
    """The AUC on videos that were not learnt from; `senses` may leave one out."""
    plain = {"batch_size": 16, "stop.epochs": 1, "stop.patience": None, "ema": None, "data.validation_windows": 1}
    chosen = settings(folder, **(plain | changes))
    trainer = Trainer(
        chosen,
        build(learner(**(CHEAP | senses)), pretrained=False),
        WindowDataset(learn, source),
        WindowDataset(check, source, sampling="uniform", windows_per_video=chosen.data.validation_windows),
    )
    trainer.fit()
    return trainer.metrics["auc"]


@pytest.mark.parametrize("source", [FirstWindow(nothing_forged), Talkers()], ids=["noise", "talkers"])
def test_no_two_made_videos_are_alike(source: Source) -> None:
    """Of videos that are all the same nothing could leak, and all that follows would prove nothing."""
    one, other = (source.draw(video, lambda _: 0)[0] for video in made_videos(2, "val"))
    assert (one.crops != other.crops).any()
    assert (one.audio != other.audio).any()


def test_a_forged_picture_is_seen(tmp_path: Path) -> None:
    assert run(tmp_path, FirstWindow(fake_picture), SIGHT, made_videos(SEEN), made_videos(30, "val")) > 0.95


def test_a_forged_picture_is_not_heard(tmp_path: Path) -> None:
    auc = run(tmp_path, FirstWindow(fake_picture), HEARING, made_videos(SEEN), made_videos(UNSEEN, "val"))
    assert CHANCE[0] < auc < CHANCE[1]


def test_a_forged_voice_is_heard(tmp_path: Path) -> None:
    assert run(tmp_path, FirstWindow(fake_sound), HEARING, made_videos(SEEN), made_videos(30, "val")) > 0.95


def test_a_forged_voice_is_not_seen(tmp_path: Path) -> None:
    auc = run(tmp_path, FirstWindow(fake_sound), SIGHT, made_videos(SEEN), made_videos(UNSEEN, "val"))
    assert CHANCE[0] < auc < CHANCE[1]


@pytest.mark.timeout(300)
def test_a_voice_that_is_not_the_mouths_is_noticed_by_eyes_and_ears_together(tmp_path: Path) -> None:
    """Picture and sound are real: neither tells anything by itself. The picture's network has nothing to learn here."""
    senses = BOTH | {"video": BACKBONE | {"frozen_stages": "all"}}
    changes = {"batch_size": 32, "optimizer.learning_rate": 5e-3, "loss.lip_sync": 1.0}
    changes["data.validation_windows"] = 3
    assert run(tmp_path, Talkers(), senses, talkers(768), talkers(100, "val"), **changes) > 0.95


@pytest.mark.parametrize("sense", [SIGHT, HEARING], ids=["picture", "sound"])
def test_a_voice_that_is_not_the_mouths_cannot_be_told_from(tmp_path: Path, sense: dict[str, Any]) -> None:
    auc = run(tmp_path, Talkers(), sense, talkers(160), talkers(UNSEEN, "val"))
    assert CHANCE[0] < auc < CHANCE[1]


def test_shuffled_labels_cannot_be_learnt(tmp_path: Path) -> None:
    """Labels that say nothing about the windows: had they leaked, it would show on videos that were not learnt from."""
    learn, check = made_videos(SEEN), made_videos(UNSEEN, "val")
    labels = np.random.default_rng(1).permutation([video.label for video in learn + check])
    shuffled = [
        video.model_copy(update={"label": int(label)}) for video, label in zip(learn + check, labels, strict=True)
    ]
    auc = run(tmp_path, FirstWindow(nothing_forged), BOTH, shuffled[:SEEN], shuffled[SEEN:])
    assert CHANCE[0] < auc < CHANCE[1]
