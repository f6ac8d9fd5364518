"""The numbers are scikit-learn's, to nine digits, ties and imbalance included."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.interpolate import interp1d
from scipy.optimize import brentq
from sklearn import metrics as reference

from model_src.evaluation.metrics import (
    all_metrics,
    confusion,
    equal_error_rate,
    fpr_at_tpr,
    precision_recall,
    roc,
    tpr_at_fpr,
    with_intervals,
)
from model_src.training.ranking import roc_auc, video_means

CASES = {
    "smooth": (np.random.default_rng(1).integers(0, 2, 300), np.random.default_rng(2).normal(size=300)),
    "ties": (np.random.default_rng(3).integers(0, 2, 200), np.random.default_rng(4).integers(-3, 4, 200) / 2.0),
    "few fakes": (np.arange(400) % 40 == 0, np.random.default_rng(5).normal(size=400) + (np.arange(400) % 40 == 0)),
    "perfect": (np.array([0, 0, 1, 1]), np.array([-2.0, -1.0, 1.0, 2.0])),
    "inverted": (np.array([1, 1, 0, 0]), np.array([-2.0, -1.0, 1.0, 2.0])),
    "all equal": (np.array([0, 1, 0, 1]), np.zeros(4)),
}
CLOSE = pytest.approx


@pytest.mark.parametrize("name", CASES)
def test_ranking_metrics_equal_scikit_learns(name: str) -> None:
    labels, scores = CASES[name]
    found = all_metrics(labels, scores)
    fpr, tpr, _ = reference.roc_curve(labels, scores, drop_intermediate=False)
    assert found["auc"] == CLOSE(reference.roc_auc_score(labels, scores), abs=1e-9)
    assert found["ap"] == CLOSE(reference.average_precision_score(labels, scores), abs=1e-9)
    assert found["fpr_at_95_tpr"] == CLOSE(fpr[tpr >= 0.95].min(), abs=1e-9)
    assert found["tpr_at_1_fpr"] == CLOSE(tpr[fpr <= 0.01].max(), abs=1e-9)
    assert found["tpr_at_5_fpr"] == CLOSE(tpr[fpr <= 0.05].max(), abs=1e-9)
    curve = roc(labels, scores)
    assert np.allclose(curve.fpr, fpr, atol=1e-9)
    assert np.allclose(curve.tpr, tpr, atol=1e-9)


@pytest.mark.parametrize("name", CASES)
def test_decision_metrics_equal_scikit_learns(name: str) -> None:
    labels, scores = CASES[name]
    called = scores > 0
    found = all_metrics(labels, scores)
    assert found["accuracy"] == CLOSE(reference.accuracy_score(labels, called), abs=1e-9)
    assert found["precision"] == CLOSE(reference.precision_score(labels, called, zero_division=0), abs=1e-9)
    assert found["recall"] == CLOSE(reference.recall_score(labels, called, zero_division=0), abs=1e-9)
    assert found["f1"] == CLOSE(reference.f1_score(labels, called, zero_division=0), abs=1e-9)
    (true_real, false_fake), (false_real, true_fake) = reference.confusion_matrix(labels, called, labels=[0, 1])
    assert list(confusion(labels, scores).values()) == [true_fake, false_fake, true_real, false_real]


@pytest.mark.parametrize("name", ["smooth", "ties", "few fakes"])
def test_the_equal_error_rate_is_where_both_errors_meet(name: str) -> None:
    labels, scores = CASES[name]
    fpr, tpr, _ = reference.roc_curve(labels, scores, drop_intermediate=False)
    along = np.linspace(0, 1, len(fpr))
    fpr_of, tpr_of = interp1d(along, fpr), interp1d(along, tpr)
    meeting = brentq(lambda place: float(1 - tpr_of(place) - fpr_of(place)), 0, 1, xtol=1e-14)
    assert equal_error_rate(roc(labels, scores)) == CLOSE(float(fpr_of(meeting)), abs=1e-9)


def test_perfect_and_inverted_detectors_are_at_the_ends() -> None:
    perfect, inverted = roc(*CASES["perfect"]), roc(*CASES["inverted"])
    assert (equal_error_rate(perfect), fpr_at_tpr(perfect, 0.95), tpr_at_fpr(perfect, 0.01)) == (0, 0, 1)
    assert (equal_error_rate(inverted), tpr_at_fpr(inverted, 0.05)) == (1, 0)


def test_one_class_is_refused_not_scored() -> None:
    assert np.isnan(roc_auc([1, 1], [0.1, 0.2]))
    with pytest.raises(ValueError, match="real and fake"):
        roc([1, 1], [0.1, 0.2])
    with pytest.raises(ValueError, match="at least one fake"):
        precision_recall([0, 0], [0.1, 0.2])


def test_videos_of_one_person_widen_the_interval() -> None:
    """Ten copies of every video are no more evidence than one, and the bootstrap knows it."""
    generator = np.random.default_rng(0)
    labels, scores = np.arange(30) % 2, generator.normal(size=30) + np.arange(30) % 2
    once = with_intervals(labels, scores, np.arange(30), resamples=300)["auc"]
    copies = [np.repeat(array, 10) for array in (labels, scores, np.arange(30))]
    tied = with_intervals(copies[0], copies[1], copies[2], resamples=300)["auc"]
    naive = with_intervals(copies[0], copies[1], np.arange(300), resamples=300)["auc"]
    width = [entry["interval"][1] - entry["interval"][0] for entry in (once, tied, naive)]
    assert width[1] == CLOSE(width[0], abs=1e-12)
    assert width[2] < 0.5 * width[1]
    assert once["interval"][0] <= once["value"] <= once["interval"][1]


def test_a_videos_score_is_the_mean_of_its_windows() -> None:
    labels, means = video_means(["b", "a", "b"], [1, 0, 1], [1.0, 5.0, 3.0])
    assert labels.tolist() == [0, 1]
    assert means.tolist() == [5.0, 2.0]


def test_a_draw_of_one_class_is_left_out_and_where_none_is_left_there_is_no_interval() -> None:
    found = with_intervals([0, 1], [0.0, 1.0], ["anna", "ben"], resamples=50)["auc"]
    assert found == {"value": 1, "interval": [1, 1]}
    assert with_intervals([0, 1], [0.0, 1.0], ["anna", "anna"])["auc"] == {"value": 1, "interval": None}
