"""Two thousand broken videos, each with an answer. `python -m tests.fuzz.mutate` tries many more."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.fuzz.mutate import fuzz
from tests.fuzz.mutations import make_seeds, mutate
from tests.rejections import REJECTION_CODES

COUNT = 2000


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_two_thousand_broken_videos_each_get_an_answer_within_the_bounds() -> None:
    total = fuzz(COUNT, workers=min(2, os.cpu_count() or 1))
    probes = {outcome: count for outcome, count in total.outcomes.items() if outcome.startswith("probe: ")}
    assert total.findings == []
    assert sum(probes.values()) == COUNT
    # The damage is neither always fatal nor always harmless: both paths are tried.
    assert COUNT / 10 < probes["probe: accepted"] < COUNT * 9 / 10
    assert len(probes.keys() & {f"probe: {code}" for code in REJECTION_CODES}) >= 5
    assert total.outcomes["split: accepted"] > 0


def test_a_mutation_is_the_same_file_every_time(tmp_path: Path) -> None:
    seeds = make_seeds(tmp_path)[:3]
    assert [mutate(seeds, number) for number in range(50)] == [mutate(seeds, number) for number in range(50)]
    assert len({mutate(seeds, number) for number in range(50)}) > 40
