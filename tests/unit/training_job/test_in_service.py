"""A new model stands beside the one in service, on the same videos; where that cannot be, the new one is not lost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from model_src.data.video import Video
from model_src.evaluation.score import Scored
from model_src.serving.manifest import write_model_directory
from model_src.training.ranking import roc_auc
from model_src.training_job import in_service
from model_src.training_job.in_service import beside_the_one_in_service
from model_src.verdict.aggregate import VideoScores
from model_src.verdict.scores import Calibration
from tests.unit.evaluation.made_scores import made_scored
from tests.unit.serving.models import small_model
from tests.unit.serving.packed import packed, packed_small_model


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return packed_small_model(tmp_path_factory.mktemp("in-service"), "old-1")


def seeing(monkeypatch: pytest.MonkeyPatch, old: Sequence[Scored]) -> None:
    """What the model in service would say of the videos, without their being decoded."""
    known = {entry.video.video_id: entry.scores for entry in old}

    def score(_: Any, videos: Sequence[Video], __: Any) -> Iterator[tuple[Video, VideoScores | str]]:
        return ((video, known.get(video.video_id, "no_face")) for video in videos)

    monkeypatch.setattr(in_service, "score_videos", score)


def logits(entries: Sequence[Scored]) -> list[float]:
    return [entry.scores.logit for entry in entries]


def test_the_difference_is_that_of_the_two_on_the_videos_both_can_score(
    archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new, old = made_scored(seed=1, skill=2.0), made_scored(seed=2, skill=0.4)
    seeing(monkeypatch, old[:100])
    found = beside_the_one_in_service(archive, new, None)
    assert found is not None
    labels = [entry.video.label for entry in new[:100]]
    after, before = roc_auc(labels, logits(new[:100])), roc_auc(labels, logits(old[:100]))
    assert (found["model_version"], found["videos"]) == ("old-1", 100)
    assert found["auc"] == pytest.approx(before)
    assert found["difference"] == pytest.approx(after - before)
    assert 0 < found["interval"][0] < found["difference"] < found["interval"][1]


def test_a_model_in_service_that_cannot_be_loaded_costs_the_comparison_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "model.tar.gz").write_bytes(b"half of it")
    assert beside_the_one_in_service(tmp_path / "model.tar.gz", made_scored(8), None) is None
    assert "model.tar.gz cannot be unpacked" in caplog.text


def test_a_model_in_service_of_an_older_version_costs_the_comparison_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Its manifest is in order and its weights are not those of today's layers."""
    made = small_model()
    made.gone = torch.nn.Linear(2, 2)
    write_model_directory(tmp_path / "old", made, model_version="old-1", trained=True, calibration=Calibration())
    archive = packed(tmp_path / "old")
    assert beside_the_one_in_service(archive, made_scored(8), None) is None
    assert "not compared with the model in service" in caplog.text


def test_a_model_in_service_that_scores_one_class_alone_is_not_compared(
    archive: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    new = made_scored(8)
    seeing(monkeypatch, [entry for entry in new if entry.video.label == 0])
    assert beside_the_one_in_service(archive, new, None) is None
    assert "can score no videos of both classes" in caplog.text
