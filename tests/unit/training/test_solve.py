"""One linear layer, solved for: the best there is, chosen and measured by people who were left out."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn

from model_src.data.dataset import WindowDataset
from model_src.data.fakes.make import SelfMadeFakes
from model_src.models import MultimodalModel, build
from model_src.models.heads import log_odds
from model_src.training.logistic import logistic_regression
from model_src.training.ranking import roc_auc
from model_src.training.settings import TrainSettings, load_settings
from model_src.training.solve import (
    HELD_BACK,
    CannotSolve,
    put_into,
    said_of_people_left_out,
    solve,
    strongest_as_good,
    usual_values,
)
from tests.unit.data.made_windows import MadeSource, made_videos
from tests.unit.training.made_run import watcher


def rows(count: int = 400, width: int = 6, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Columns [N, C] with a constant last, and labels that follow two of them."""
    generator = np.random.default_rng(seed)
    columns = np.column_stack([generator.standard_normal((count, width)), np.ones(count)])
    odds = 2 * columns[:, 0] - columns[:, 1] + 0.5
    return columns, (generator.random(count) < 1 / (1 + np.exp(-odds))).astype(float)


@pytest.mark.parametrize("ridge", [0.0003, 0.01, 0.1])
def test_the_weights_are_those_of_a_library_that_everybody_trusts(ridge: float) -> None:
    columns, label = rows()
    found = logistic_regression(columns, label, ridge=[*[ridge] * 6, 0.0])
    other = LogisticRegression(C=1 / (ridge * len(label)), tol=1e-9, max_iter=1000).fit(columns[:, :-1], label)
    np.testing.assert_allclose(found, [*other.coef_[0], other.intercept_[0]], atol=2e-4)


def test_a_fit_that_knows_everybody_by_heart_is_found_out_by_the_people_left_out() -> None:
    """Half of the people are fakes, and the columns tell nothing but who somebody is."""
    whose = np.repeat(np.arange(28), 10)
    label = (np.random.default_rng(3).permutation(28) % 2).astype(float)[whose]
    columns = np.eye(28)[whose] + 0.01 * np.random.default_rng(1).standard_normal((280, 28))
    constant = np.column_stack([columns, np.ones(280)])
    assert roc_auc(label, constant @ logistic_regression(constant, label, ridge=0.001)) == 1
    assert roc_auc(label, said_of_people_left_out(columns, label, whose, 0.001)) < 0.7


def test_the_layer_says_what_was_solved_for() -> None:
    columns, label = rows()
    weights = logistic_regression(columns, label, ridge=0.01)
    layer = nn.Linear(6, 2)
    put_into(layer, weights)
    with torch.no_grad():
        said = log_odds(layer(torch.from_numpy(columns[:, :-1]).float())).numpy()
    np.testing.assert_allclose(said, columns @ weights, atol=1e-4)


def test_what_is_usual_is_the_plain_mean_of_all_that_passed() -> None:
    layer = nn.BatchNorm1d(3, affine=False)
    parts = torch.randn(4, 50, 3) * 2 + 5
    layer(torch.full((50, 3), 1000.0))  # from another time
    with usual_values(layer):
        for part in parts:
            layer(part)
    assert layer.running_mean is not None
    torch.testing.assert_close(layer.running_mean, parts.mean(dim=(0, 1)))
    assert layer.momentum == 0.1
    assert not layer.training


def chosen(folder: Path) -> TrainSettings:
    plain = {"batch_size": 4, "num_workers": 0, "stop.epochs": 2, "keep.folder": folder}
    return load_settings(None, **plain)


def solved(folder: Path) -> tuple[MultimodalModel, dict[str, float]]:
    source = MadeSource()
    forge = SelfMadeFakes({"held_head": 1.0}, None, {})
    reals = [video for video in made_videos(24) if video.label == 0]
    learn = WindowDataset(reals, source, make_fake=forge)
    check = WindowDataset(made_videos(4, "val"), source, sampling="uniform")
    model = build(watcher(), pretrained=False, seed=0)
    return model, solve(chosen(folder), model, learn, check, torch.device("cpu"))


def test_two_runs_give_the_same_layer_and_say_what_unseen_people_were_told(tmp_path: Path) -> None:
    first, found = solved(tmp_path / "one")
    again, _ = solved(tmp_path / "two")
    torch.testing.assert_close(first.video_head.output.weight, again.video_head.output.weight)
    assert first.video_head.output.weight.abs().max() > 0
    assert {"auc", "held_back_auc", "held_back_auc_windows", "ridge", "windows"} <= set(found)
    with (tmp_path / "one" / HELD_BACK).open() as file:
        told = list(csv.DictReader(file))
    assert {row["label"] for row in told} == {"0", "1"}
    assert len(told) == len({row["video_id"] for row in told})


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"heads": {"hidden_dim": 8, "dropout": 0.0}}, "video_head.hidden"),
        ({"video": watcher().video.model_dump() | {"frozen_stages": 1}}, "backbone"),
        ({"enable_audio": True, "enable_video": False, "video": {}, "temporal": {}, "heads": {}}, "picture alone"),
    ],
    ids=["hidden layer", "backbone learns", "sound"],
)
def test_what_cannot_be_solved_for_is_refused_by_name(changes: dict[str, Any], reason: str, tmp_path: Path) -> None:
    videos = made_videos(4)
    data = WindowDataset(videos, MadeSource())
    model = build(watcher(**changes), pretrained=False, seed=0)
    with pytest.raises(CannotSolve, match=reason):
        solve(chosen(tmp_path), model, data, data, torch.device("cpu"))


def test_one_person_alone_is_refused_for_there_is_nobody_to_leave_out(tmp_path: Path) -> None:
    alone = WindowDataset(made_videos(1), MadeSource())
    with pytest.raises(CannotSolve, match="nobody to leave out"):
        solve(chosen(tmp_path), build(watcher(), pretrained=False, seed=0), alone, alone, torch.device("cpu"))


def test_a_check_without_a_fake_is_refused_before_the_work(tmp_path: Path) -> None:
    learn = WindowDataset(made_videos(4), MadeSource())
    reals = WindowDataset([video for video in made_videos(4) if video.label == 0], MadeSource())
    with pytest.raises(ValueError, match="real and fake"):
        solve(chosen(tmp_path), build(watcher(), pretrained=False, seed=0), learn, reals, torch.device("cpu"))


def test_the_strongest_ridge_is_taken_that_people_cannot_tell_from_the_best() -> None:
    """Ten people. One ridge is worse for some and better for others, the next is worse for nearly everybody."""
    best = np.full(10, 0.3)
    chance = best + 0.1 * np.array([1, -1] * 5) + 0.01
    worse = best + 0.1 + 0.02 * np.array([1, -1] * 5)
    assert strongest_as_good({0.1: worse, 0.01: chance, 0.001: best}) == 0.01
    assert strongest_as_good({0.1: worse, 0.001: best}) == 0.001
    assert strongest_as_good({0.1: best, 0.001: best}) == 0.1
