"""Variants are what was asked for, comparisons are paired, and tables say the same to people and programs."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from model_src.models import build
from model_src.studies.ablation import COMPONENTS, ablation, possible
from model_src.studies.compare import judge
from model_src.studies.cross import Cell, cross, sources_of
from model_src.studies.cross import table_of as cross_table
from model_src.studies.forest import forest
from model_src.studies.heat import heat
from model_src.studies.remember import remembered
from model_src.studies.robustness import compared
from model_src.studies.study import Study, table_of
from model_src.studies.variant import StudyInvalid, Variant, sweep
from model_src.studies.video_score import Scores, VideoScore
from model_src.training.settings import TrainSettings
from tests.unit.data.made_windows import made_video
from tests.unit.training.made_run import learner, settings, watcher


def base(folder: Path) -> TrainSettings:
    return settings(folder, model=learner().model_dump())


def made(count: int = 80, skill: float = 1.0, noise: float = 0.0, seed: int = 0) -> list[VideoScore]:
    """Two videos a person; noise is what another model adds to the same videos."""
    generator, other = np.random.default_rng(seed), np.random.default_rng(seed + 1)
    return [
        VideoScore(
            video_id=f"v{number}",
            label=number % 2,
            source="made",
            group=f"person{number // 2}",
            logit=generator.normal(skill * (number % 2), 1) + noise * other.normal(),
            verdict="uncertain",
        )
        for number in range(count)
    ]


def test_a_sweep_tries_every_combination_of_the_values(tmp_path: Path) -> None:
    variants = sweep(["loss.lip_sync=0.05, 0.2", "model.fusion.kind=concat,attention"])
    assert [variant.name for variant in variants] == [
        "loss.lip_sync=0.05, model.fusion.kind=concat",
        "loss.lip_sync=0.05, model.fusion.kind=attention",
        "loss.lip_sync=0.2, model.fusion.kind=concat",
        "loss.lip_sync=0.2, model.fusion.kind=attention",
    ]
    chosen = variants[1].settings(base(tmp_path))
    assert chosen.loss.lip_sync == 0.05
    assert chosen.model_settings().fusion.kind == "attention"
    assert chosen.seed == base(tmp_path).seed


def test_a_setting_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="lip_snyc"):
        Variant("typo", {"loss.lip_snyc": 1}).settings(base(tmp_path))
    with pytest.raises(StudyInvalid, match="sets nothing"):
        sweep(["loss.lip_sync"])


def test_an_ablation_covers_every_component_with_models_that_can_be_built(tmp_path: Path) -> None:
    variants = ablation(base(tmp_path))
    names = [variant.name for variant in variants]
    assert len(names) == len(set(names)) == 12
    assert {"picture alone", "sound alone", "without lip sync", "with frequency", "with temporal loss"} <= set(names)
    before = base(tmp_path)
    for variant in variants:
        changed = variant.settings(before)
        build(changed.model_settings(), pretrained=False)
        assert (changed.seed, changed.stop, changed.optimizer) == (before.seed, before.stop, before.optimizer)
        assert (changed.data.augment, changed.model_settings()) != (before.data.augment, before.model_settings())


def test_what_a_model_has_no_room_for_is_left_out_of_its_ablation_with_a_remark(tmp_path: Path) -> None:
    """A model that compares face regions has no other way along time, and one of the last map has no regions."""
    before = settings(tmp_path, model=watcher(enable_audio=True).model_dump())
    variants, remarks = possible(before, ablation(before, ["temporal", "fusion"]))
    assert [variant.name for variant in variants] == ["one-query fusion", "side-by-side fusion", "either of two heads"]
    assert len(remarks) == 3
    assert remarks[0].startswith("Left out: convolution along time is not possible: temporal.kind `change`")
    assert table_of("Ablation", [], remarks).notes[-3:] == remarks


def test_no_variant_is_trained_before_all_are_possible(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained: list[str] = []
    monkeypatch.setattr("model_src.studies.study.train_variant", lambda name, *_: trained.append(name))
    with pytest.raises(StudyInvalid, match=r"loss\.lipsync=0\.1 is not possible: loss\.lipsync Extra inputs"):
        Study(base(tmp_path), [], tmp_path).run(sweep(["loss.lipsync=0.1"]))
    assert trained == []


def test_nothing_is_trained_where_there_is_nothing_to_test_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("model_src.studies.cross.trained_per_source", lambda *_: pytest.fail("it was trained"))
    with pytest.raises(StudyInvalid, match="no source has real and fake test videos"):
        cross(base(tmp_path), [made_video(0, "train"), made_video(1, "train")], tmp_path, None, {})


def test_what_cannot_be_ablated_gets_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(StudyInvalid, match=f"no component is called nose; there are {', '.join(COMPONENTS)}"):
        ablation(base(tmp_path), ["nose"])
    with pytest.raises(StudyInvalid, match="begins with a model of picture and sound"):
        ablation(settings(tmp_path, model=learner(enable_audio=False).model_dump()))


def test_a_paired_comparison_sees_what_two_intervals_cannot() -> None:
    """Two models that mostly agree: their intervals overlap, and yet one is better."""
    worse, better = made(skill=1.0), made(skill=1.6)
    one, other = judge(worse), judge(better, worse)
    assert one.interval is not None
    assert other.interval is not None
    assert one.interval[1] > other.interval[0]
    assert other.differs
    assert other.difference is not None
    assert other.difference > 0


def test_a_model_does_not_differ_from_itself_nor_from_one_that_is_noise_apart() -> None:
    itself = judge(made(), made())
    assert (itself.difference, itself.difference_interval) == (0.0, (0.0, 0.0))
    assert not itself.differs
    assert not judge(made(noise=0.2), made()).differs


def test_one_class_or_one_person_is_not_judged() -> None:
    assert judge([score for score in made() if score.label]).auc is None
    alone = judge([score.model_copy(update={"group": "same"}) for score in made()])
    assert alone.auc is not None
    assert alone.interval is None


def test_a_result_is_kept_while_what_it_was_made_from_is_the_same(tmp_path: Path) -> None:
    calls: list[int] = []

    def make() -> int:
        calls.append(1)
        return len(calls)

    file = tmp_path / "kept.json"
    assert [remembered(file, of, make) for of in ({"seed": 0}, {"seed": 0}, {"seed": 1}, {"seed": 1})] == [1, 1, 2, 2]


def test_the_table_tells_people_and_programs_the_same(tmp_path: Path) -> None:
    worse = Scores(videos=made(), left_out={"no_face": 2})
    better = Scores(videos=made(skill=2.0), left_out={})
    rows = [
        ("baseline", judge(worse.videos), worse),
        ("with | without", judge(better.videos, worse.videos), better),
        ("diverged", judge([], worse.videos), None),
    ]
    table = table_of("Ablation", rows)
    table.write(tmp_path, "table", seed=3)
    forest("Ablation", [(name, found) for name, found, _ in rows]).save(tmp_path / "table.png")
    read = json.loads((tmp_path / "table.json").read_text())
    assert read["seed"] == 3
    lines = list(csv.DictReader((tmp_path / "table.csv").open()))
    assert [line["variant"] for line in lines] == ["baseline", "with | without", "diverged"]
    assert float(lines[1]["difference_interval_low"]) == read["rows"][1]["difference_interval"][0]
    assert lines[0]["left_out"] == "2 no face"
    text = (tmp_path / "table.md").read_text()
    assert f"| {read['rows'][1]['auc']:.3f} |" in text
    assert "with \\| without" in text
    assert "diverged: the loss was no number any more" in text


def test_robustness_counts_flips_and_the_direction_of_the_shift() -> None:
    clean = made(4)
    verdicts = ("real", "fake", "real", "fake")
    before = [score.model_copy(update={"verdict": verdict}) for score, verdict in zip(clean, verdicts, strict=True)]
    shifted = [score.model_copy(update={"logit": score.logit + (1, -3)[score.label]}) for score in before]
    shifted[0] = shifted[0].model_copy(update={"verdict": "fake"})
    shifted[1] = shifted[1].model_copy(update={"verdict": "uncertain"})
    found = compared("blur", Scores(videos=before, left_out={}), Scores(videos=shifted[:3], left_out={"no_face": 1}))
    assert (found.flipped, found.changed) == (1 / 3, 2 / 3)
    assert found.shift_of_reals == pytest.approx(1)
    assert found.shift_of_fakes == pytest.approx(-3)
    assert found.mean_shift == pytest.approx(-1 / 3)


def test_a_source_of_one_class_is_no_column_of_the_matrix(tmp_path: Path) -> None:
    videos = [made_video(number, "test", source=("one", "both")[number % 4 > 1], label=number % 4 == 3)
              for number in range(8)]  # fmt: skip
    assert sources_of(videos, "test") == ["both"]
    cells = [Cell(learnt, tested, judge(made(skill=skill))) for skill, (learnt, tested) in enumerate(
        [("a", "a"), ("a", "b"), ("b", "a"), ("b", "b")])]  # fmt: skip
    table = cross_table(cells)
    assert table.headings == ["learnt on", "a", "b"]
    assert [row[0] for row in table.cells] == ["a", "b"]
    assert f"{cells[3].found.auc:.3f}" in table.cells[1][2]
    heat("AUC", cells).save(tmp_path / "cross.png")
    assert (tmp_path / "cross.png").stat().st_size > 1000
