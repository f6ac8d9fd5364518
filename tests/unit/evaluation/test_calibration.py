"""Calibrated probabilities mean what they say, and the file is the one that serving reads."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from model_src.evaluation.calibrate_model import calibrate_model
from model_src.evaluation.calibration import (
    cross_fitted,
    error_by_chance,
    expected_calibration_error,
    fit,
    probabilities,
    reliability,
    risk_coverage,
    with_prior,
)
from model_src.training.logistic import sigmoid
from model_src.verdict.scores import Calibration
from tests.unit.evaluation.made_scores import made_scored


def overconfident(temperature: float, bias: float = 0.0, count: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Labels drawn from honest probabilities, and the logits of a model that is `temperature` times too sure."""
    generator = np.random.default_rng(0)
    honest = generator.normal(0, 2, count)
    return (generator.random(count) < sigmoid(honest)).astype(int), (honest - bias) * temperature


def test_the_temperature_is_found_and_the_calibration_error_falls() -> None:
    labels, logits = overconfident(3.0)
    found = fit(labels, logits)
    assert found.method == "temperature"
    assert 1 / found.scale == pytest.approx(3.0, rel=0.06)
    assert found.bias == 0
    before = expected_calibration_error(labels, probabilities(logits, Calibration()))
    after = expected_calibration_error(labels, probabilities(logits, found))
    assert after < 0.03 < before


def test_platt_finds_the_bias_too_and_agrees_with_scikit_learn() -> None:
    labels, logits = overconfident(2.0, bias=0.7)
    found = fit(labels, logits, "platt")
    reference = LogisticRegression(C=1e9).fit(logits[:, None], labels)
    assert found.scale == pytest.approx(float(reference.coef_[0, 0]), rel=0.01)
    assert found.bias == pytest.approx(float(reference.intercept_[0]), abs=0.01)


@pytest.mark.parametrize("method", ["temperature", "platt"])
@pytest.mark.parametrize("logits", [[-9.0, -8.0, 8.0, 9.0], [2.0, 1.0, -1.0, -2.0], [0.0, 0.0, 0.0, 0.0]])
def test_a_small_or_hopeless_set_gives_a_calibration_that_serving_takes(method: str, logits: list[float]) -> None:
    found = fit([0, 0, 1, 1], logits, method)  # type: ignore[arg-type]
    assert Calibration.model_validate_json(found.model_dump_json()) == found
    assert 0 < found.scale <= 50
    assert (np.diff(probabilities([-1.0, 0.0, 1.0], found)) > 0).all()


def test_one_class_cannot_calibrate() -> None:
    with pytest.raises(ValueError, match="real and fake"):
        fit([1, 1], [0.3, 0.4])


def test_the_calibration_error_is_the_mean_gap_over_the_videos() -> None:
    p = np.array([0.05] * 4 + [0.95] * 6)
    labels = np.array([0, 0, 0, 1] + [1] * 6)
    bins = reliability(labels, p)
    assert [(b.count, round(b.said, 9), b.found) for b in bins] == [(4, 0.05, 0.25), (6, 0.95, 1.0)]
    assert expected_calibration_error(labels, p) == pytest.approx(0.4 * 0.2 + 0.6 * 0.05)


def test_few_videos_show_an_error_even_where_every_probability_is_right() -> None:
    generator = np.random.default_rng(5)
    p = generator.random(30)
    usual, most = error_by_chance(p)
    errors = [expected_calibration_error(generator.random(30) < p, p) for _ in range(300)]
    assert usual == pytest.approx(np.mean(errors), abs=0.01)
    assert np.mean(np.array(errors) <= most) == pytest.approx(0.95, abs=0.04)
    assert error_by_chance(generator.random(20_000), draws=50)[0] < 0.02, "many videos leave nothing to chance"


def test_rejecting_the_unsure_lowers_the_risk() -> None:
    labels = np.array([1, 0, 1, 0])
    curve = risk_coverage(labels, [0.99, 0.05, 0.45, 0.52])
    assert curve.at(0.6) == (0.5, 0.0)
    assert curve.at(0.5) == (1.0, 0.5)
    assert curve.at(0.999) == (0.0, None)


def test_nobody_is_judged_by_a_calibration_that_has_seen_them() -> None:
    """What one person's labels are changes what a calibration of all says of them, and not what the cross-fit says."""
    labels, logits = overconfident(2.0, count=200)
    groups = ["anna"] * 20 + [f"person {number}" for number in range(180)]
    labels[:20] = [0, 1] * 10
    turned = labels.copy()
    turned[:20] = 1 - labels[:20]
    logits[:20] = np.where(labels[:20], 4, -4)
    together, otherwise = (probabilities(logits, fit(given, logits)) for given in (labels, turned))
    assert np.abs(together - otherwise)[:20].max() > 0.01
    apart, otherwise = (cross_fitted(given, logits, groups) for given in (labels, turned))
    np.testing.assert_allclose(apart[:20], otherwise[:20])
    assert np.abs(apart - otherwise)[20:].max() > 0.01, "the others' calibration has seen her"


def test_where_fewer_are_fake_the_same_score_means_less() -> None:
    """A set half fake, used where one in ten is: calibrated there, not here."""
    labels, logits = overconfident(1.0, count=40_000)
    found = fit(labels, logits, "platt")
    kept = (labels == 0) | (np.arange(len(labels)) % 9 == 0)
    there = with_prior(found, labels, float(labels[kept].mean()))
    assert expected_calibration_error(labels[kept], probabilities(logits[kept], there)) < 0.015
    assert expected_calibration_error(labels[kept], probabilities(logits[kept], found)) > 0.1
    with pytest.raises(ValueError, match="needs Platt"):
        with_prior(Calibration(), labels, 0.1)


def test_a_fit_that_cannot_be_checked_on_people_left_out_says_so() -> None:
    tied = [replace(entry, group="all reals") if entry.video.label == 0 else entry for entry in made_scored(40)]
    found = calibrate_model(tied)
    assert found.error_apart is None
    assert found.calibration == calibrate_model(made_scored(40)).calibration
    assert calibrate_model(made_scored(40)).error_apart is not None


def test_a_model_that_says_the_opposite_is_not_called_calibrated() -> None:
    assert calibrate_model(made_scored(40)).warning is None
    warning = calibrate_model(made_scored(40, skill=-1.5)).warning
    assert "not to be believed: its scale is held at its bound of 0.02" in str(warning)


@pytest.mark.parametrize("method", ["temperature", "platt"])
def test_a_small_set_that_is_ranked_perfectly_makes_nobody_sure(method: str) -> None:
    found = fit([0, 0, 1, 1], [-9.0, -8.0, 8.0, 9.0], method)  # type: ignore[arg-type]
    assert probabilities([-8.5, 8.5], found) == pytest.approx([0.25, 0.75], abs=0.01)
