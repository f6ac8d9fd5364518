"""A model card says what is known, names what is not, and owns up to what must not be expected."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from model_src.config import load_config
from model_src.data.video import SPLITS
from model_src.evaluation.evaluate import evaluate
from model_src.evaluation.model_card import Facts, model_card
from model_src.training.settings import load_settings
from model_src.verdict.scores import Calibration
from tests.unit.data.made_windows import made_video
from tests.unit.evaluation.made_scores import made_scored

VIDEOS = [
    made_video(number, split, source=source, method="" if number % 2 == 0 else "FaceSwap")
    for split, count in zip(SPLITS, (4, 2, 2), strict=True)
    for source in ("FaceForensics++", "Celeb-DF")
    for number in range(count)
]


def facts(**changes: Any) -> Facts:
    known: dict[str, Any] = {
        "model_version": "aura-7",
        "config": load_config("compact"),
        "videos": VIDEOS,
        "calibration": Calibration(method="temperature", scale=0.8),
        "commit": "abc123",
        "settings": load_settings(None, **{"optimizer.learning_rate": 3e-4, "keep.folder": "somewhere/private"}),
        "epoch": 12,
        "training_metrics": {"auc": 0.9123},
        "results": evaluate(made_scored(), Counter(no_face=2), resamples=40),
    }
    return Facts(**known | changes)


def test_a_card_holds_data_recipe_figures_with_intervals_calibration_and_limits() -> None:
    known = facts()
    card = model_card(known)
    assert known.results is not None
    auc = known.results["video"]["mean"]["auc"]
    assert "`abc123`" in card
    assert "| Celeb-DF | train | 2 | 2 | 4 | FaceSwap |" in card
    assert "after epoch 12" in card
    assert "learning_rate: 0.0003" in card
    assert f"| AUC | {auc['value']:.3f} ({auc['interval'][0]:.3f} to {auc['interval'][1]:.3f}) |" in card
    assert "On 120 test videos (60 real, 60 fake) of 30 unrelated groups of people; 2 more could not be scored" in card
    assert "By temperature: p = sigmoid(0.8 · logit +0)" in card
    assert f"{known.results['calibration']['ece_after']:.4f}" in card
    assert "few people (30 groups)" in card


def test_a_card_does_not_tell_where_the_run_was_made() -> None:
    assert "somewhere/private" not in model_card(facts())


@pytest.mark.parametrize(
    ("changes", "admission"),
    [
        ({"results": None}, "Not known: there were no real and fake videos to judge it on."),
        ({"judged_on": "val"}, "which also chose its epoch"),
        ({"settings": None, "epoch": None}, "The settings of the run are not known."),
        ({"commit": None}, "`unknown`"),
        ({"calibration": Calibration()}, "should not be taken at their word"),
        ({"videos": [video for video in VIDEOS if video.source == "Celeb-DF"]}, "one source alone (Celeb-DF)"),
        ({"config": load_config("compact").model_copy(update={"enable_audio": False})}, "It is deaf"),
    ],
)
def test_a_card_admits_what_it_does_not_know(changes: dict[str, Any], admission: str) -> None:
    assert admission in model_card(facts(**changes))
    assert admission not in model_card(facts())


def test_every_row_of_a_card_s_tables_has_as_many_cells_as_its_head() -> None:
    rows = [row for row in model_card(replace(facts(), judged_on="val")).splitlines() if row.startswith("|")]
    heads = [number for number, row in enumerate(rows) if set(row) <= set("| -:")]
    assert len(heads) == 4
    for start, end in zip(heads, [head - 1 for head in heads[1:]] + [len(rows)], strict=True):
        assert len({row.count("|") for row in rows[start - 1 : end]}) == 1
