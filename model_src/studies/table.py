"""A study's table: the same rows for people (terminal, Markdown) and for programs (CSV, JSON)."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model_src.data.spreadsheet import as_text
from model_src.evaluation.counted import counted
from model_src.studies.compare import Interval, Judgement

Record = Mapping[str, Any]
NONE = "–"


@dataclass(frozen=True)
class Table:
    title: str
    headings: Sequence[str]
    cells: Sequence[Sequence[str]]  # as text
    records: Sequence[Record]  # as numbers
    notes: Sequence[str] = ()

    def write(self, folder: Path, name: str, **about: Any) -> None:
        """`name.csv`, `name.json` (with what it is about) and `name.md`."""
        folder.mkdir(parents=True, exist_ok=True)
        plain = {"title": self.title, **about, "rows": self.records}
        (folder / f"{name}.json").write_text(json.dumps(plain, indent=2, allow_nan=False) + "\n", encoding="utf-8")
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            flat = [flattened(record) for record in self.records]
            writer = csv.DictWriter(file, list(dict.fromkeys(key for record in flat for key in record)))
            writer.writeheader()
            writer.writerows({key: as_text(value) for key, value in record.items()} for record in flat)
        (folder / f"{name}.md").write_text(self.markdown(), encoding="utf-8")

    def markdown(self) -> str:
        def line(cells: Sequence[str]) -> str:
            return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

        rule = "|---" + "|--:" * (len(self.headings) - 1) + "|"
        lines = [f"# {self.title}", "", line(self.headings), rule, *(line(row) for row in self.cells), ""]
        return "\n".join([*lines, *(f"{note}\n" for note in self.notes)])


def flattened(record: Record) -> dict[str, Any]:
    """An interval becomes two columns, `_low` and `_high`; counts by reason become one sentence."""
    flat: dict[str, Any] = {}
    for key, value in record.items():
        if key.endswith("interval"):
            flat[f"{key}_low"], flat[f"{key}_high"] = value or (None, None)
        elif isinstance(value, Mapping):
            flat[key] = counted(value)
        else:
            flat[key] = value
    return flat


JUDGED: dict[str, Callable[[Judgement], str]] = {
    "AUC": lambda found: number(found.auc),
    "95 %": lambda found: span(found.interval),
    "change": lambda found: signed(found.difference) + ("*" if found.differs else ""),
    "95 % of it": lambda found: span(found.difference_interval, signed),
}
STAR = "change: to the baseline; * its 95 % interval leaves out zero (paired bootstrap over identities)."


def number(value: float | None) -> str:
    return NONE if value is None else f"{value:.3f}"


def signed(value: float | None) -> str:
    return NONE if value is None else f"{value:+.3f}"


def share(value: float | None) -> str:
    return NONE if value is None else f"{100 * value:.1f} %"


def span(interval: Interval | None, form: Callable[[float], str] = number) -> str:
    return NONE if interval is None else f"{form(interval[0])}–{form(interval[1])}"
