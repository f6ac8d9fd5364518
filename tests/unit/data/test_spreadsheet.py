"""A table opened in a spreadsheet shows names and runs none of them."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from model_src.data.spreadsheet import as_text
from model_src.evaluation import report
from model_src.studies.table import Table


@pytest.mark.parametrize("name", ["=cmd|' /C calc'!A0", "+1+1", "@SUM(A1)", "-2+3+cmd|'x'!A0", "\t=1", "-1\n=2"])
def test_a_formula_becomes_a_text(name: str) -> None:
    assert as_text(name) == f"'{name}"


@pytest.mark.parametrize("plain", ["-dQw4w9WgXcQ", "clip 01=final", "größe.mp4", "–", "", -0.25, 3, None])
def test_ordinary_names_and_numbers_stay_as_they_are(plain: object) -> None:
    assert as_text(plain) == plain


def test_the_tables_of_evaluation_and_studies_hold_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "page", lambda *_: "")
    rows = [{"video_id": "=1+1", "logit": -0.5}]
    report.write_report(tmp_path, {}, rows)
    Table("t", ["video"], [["=1+1"]], rows).write(tmp_path, "study")
    for name in ("videos", "study"):
        with (tmp_path / f"{name}.csv").open(newline="") as file:
            assert list(csv.DictReader(file)) == [{"video_id": "'=1+1", "logit": "-0.5"}]
