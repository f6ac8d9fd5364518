"""The report holds every number it promises, as a page, as JSON and as a table."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from typer.testing import CliRunner

from infra.cli import app
from model_src.evaluation import aggregation
from model_src.evaluation.counted import left_out
from model_src.evaluation.evaluate import NothingToCompare, evaluate, learn_aggregators, rows_of
from model_src.evaluation.held_back import said_of_held_back
from model_src.evaluation.report import SHOWN, write_report
from model_src.training.ranking import roc_auc
from model_src.verdict.scores import Calibration
from tests.unit.evaluation.made_scores import made_scored, made_scores


def test_the_report_is_complete_and_needs_nothing_beside_itself(tmp_path: Path) -> None:
    scored = made_scored()
    results = evaluate(scored, Counter(no_face=2), aggregators=learn_aggregators(made_scored(seed=1)), resamples=40)
    write_report(tmp_path, results, rows_of(scored))

    read = json.loads((tmp_path / "evaluation.json").read_text())
    assert set(read["video"]) == {"mean", "max", "voting", "attention", "lstm"}
    assert set(read["by_method"]) == {"swap", "lips"}
    assert set(read["by_source"]) == {"studio", "street"}
    assert read["left_out"] == {"no_face": 2}
    assert read["identities"] == 30
    assert set(read["video"]["mean"]) == set(SHOWN)
    assert sum(read["confusion"].values()) == 120
    assert read["video"]["mean"]["auc"]["value"] == pytest.approx(
        roc_auc([entry.video.label for entry in scored], [entry.scores.logit for entry in scored])
    )
    rows = list(csv.DictReader((tmp_path / "videos.csv").open()))
    assert len(rows) == 120
    assert 0 < float(rows[0]["fake"]) < 1

    page = (tmp_path / "report.html").read_text()
    assert page.count("<svg") == 5
    for svg in page.split("<svg")[1:]:
        ET.fromstring("<svg" + svg.split("</svg>")[0] + "</svg>")  # noqa: S314  (our own)
    assert "2 no face" in page
    assert "http" not in page
    assert "<script" not in page


def test_every_video_is_called_something() -> None:
    scored = made_scored()
    results = evaluate(scored, Counter(), resamples=5)
    assert set(results["answers"]) == {"street, fake", "street, real", "studio, fake", "studio, real"}
    for said in results["answers"].values():
        assert said["real"] + said["uncertain"] + said["fake"] == pytest.approx(1)
    rows = [row for row in rows_of(scored) if row["source"] == "street" and row["label"] == 1]
    assert results["answers"]["street, fake"]["fake"] == np.mean([row["fake"] > 0.6 for row in rows])


def test_people_left_out_of_the_learning_are_told_by_the_calibration_of_the_verdict(tmp_path: Path) -> None:
    scores = tmp_path / "held_back.csv"
    scores.write_text("video_id,label,log_odds\na,0,-2\nb,0,0.1\nc,0,2\na#forged,1,3\n")
    said = said_of_held_back(scores, Calibration())
    assert said["real"] == {"videos": 3, "real": 1 / 3, "uncertain": 1 / 3, "fake": 1 / 3}
    assert said["fake"] == {"videos": 1, "real": 0, "uncertain": 0, "fake": 1}
    assert said_of_held_back(scores, Calibration(method="platt", scale=1, bias=-3))["real"]["real"] == 1


def test_names_from_a_manifest_cannot_write_into_the_page(tmp_path: Path) -> None:
    scored = made_scored(24)
    hostile = [
        type(entry)(entry.video.model_copy(update={"source": "<script>alert(1)</script>"}), entry.group, entry.scores)
        for entry in scored
    ]
    write_report(tmp_path, evaluate(hostile, Counter(), resamples=5), rows_of(hostile))
    assert "<script" not in (tmp_path / "report.html").read_text()


def test_one_class_gives_a_sentence() -> None:
    with pytest.raises(NothingToCompare, match="all of one class"):
        evaluate([entry for entry in made_scored(8) if entry.video.label], Counter())


@pytest.mark.parametrize("kind", aggregation.LEARNT)
def test_a_learnt_aggregation_finds_the_one_window_that_tells(kind: aggregation.Learnt) -> None:
    """Fakes say so in a single window, so that their mean is lost in the noise."""
    generator = np.random.default_rng(0)

    def videos(count: int) -> tuple[list, list[int]]:
        labels = [number % 2 for number in range(count)]
        made = []
        for label in labels:
            scores = made_scores(0, generator, skill=0.0, windows=8)
            windows = [window.model_copy(update={"logit": float(generator.normal())}) for window in scores.windows]
            for window in windows:
                windows[window.index] = window.model_copy(update={"video_logit": None})
            if label:
                place = int(generator.integers(8))
                windows[place] = windows[place].model_copy(update={"logit": 4.0, "video_logit": 4.0})
            made.append(scores.model_copy(update={"windows": windows}))
        return made, labels

    known, targets = videos(80)
    learnt = aggregation.learn(kind, known, targets)
    unseen, truth = videos(60)
    assert roc_auc(truth, learnt.logits(unseen)) > 0.95
    again = aggregation.learn(kind, known, targets)
    assert again.logits(unseen) == learnt.logits(unseen)


@pytest.mark.parametrize("kind", aggregation.LEARNT)
def test_a_saved_aggregation_answers_as_it_did(kind: aggregation.Learnt, tmp_path: Path) -> None:
    known, unseen = made_scored(seed=1), [entry.scores for entry in made_scored(20)]
    learnt = aggregation.learn(kind, [entry.scores for entry in known], [entry.video.label for entry in known])
    file = learnt.save(tmp_path)
    for name in (file, file.with_suffix(".json")):
        assert aggregation.load(name, "made-1").logits(unseen) == learnt.logits(unseen)


def test_an_aggregation_of_another_model_or_none_at_all_is_refused_with_a_sentence(tmp_path: Path) -> None:
    known = made_scored(24)
    learnt = aggregation.learn("attention", [entry.scores for entry in known], [entry.video.label for entry in known])
    file = learnt.save(tmp_path)
    with pytest.raises(aggregation.AggregatorInvalid, match="scores of made-1, not of other-2"):
        aggregation.load(file, "other-2")
    file.write_bytes(b"nothing")
    with pytest.raises(aggregation.AggregatorInvalid, match="is no aggregation"):
        aggregation.load(file, "made-1")


def test_what_was_left_out_is_told_by_reason() -> None:
    assert left_out({"not_extracted": 2, "corrupt_video": 1}) == ["Left out: 2 not extracted, 1 corrupt video."]
    assert left_out({}) == []


def test_a_device_that_is_not_here_is_one_sentence() -> None:
    done = CliRunner().invoke(app, ["evaluate", "--checkpoint", "some.pth", "--device", "gpu"])
    assert done.exit_code == 1
    assert "nothing can be computed on 'gpu' here" in done.output
