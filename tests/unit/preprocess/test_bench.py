"""The measurement measures what it says: videos of the promised length, and figures taken from the right rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.bench.material import BASE_SECONDS, repeat
from infra.bench.split import measure, summary
from tests.media import talking_head
from tests.unit.preprocess.reading import look


def row(size: str, seconds: int, cpu: float, ratio: float, naive: float, peak: float) -> dict[str, object]:
    return {
        "size": size,
        "video_seconds": seconds,
        "split_cpu_seconds": cpu,
        "ratio_to_decode": ratio,
        "ratio_naive_to_split": naive,
        "peak_mb": peak,
    }


def test_the_promised_figures_come_from_their_rows() -> None:
    rows = [
        row("720p", 30, 3.0, 1.5, 9, 300),
        row("720p", 600, 66.0, 1.6, 8, 310),
        row("1080p", 30, 6.0, 1.7, 12, 320),
        row("1080p", 600, 90.0, 1.8, 11, 330),
    ]
    figures = summary(rows)
    assert figures["ratio_to_decode_30s_1080p"] == 1.7
    assert figures["ratio_naive_to_split"] == 8
    assert figures["peak_mb_600s_1080p"] == 330
    assert figures["growth"] == pytest.approx(0.1), "the worse of 10 % more and 25 % less"


def test_a_repeated_video_is_as_long_as_it_should_be_and_can_be_measured(tmp_path: Path) -> None:
    base = talking_head(tmp_path / "base.mp4", BASE_SECONDS, (320, 240), fps=10)
    path = repeat(base, 3, tmp_path / "long.mp4")
    info = look(path)
    assert info.duration == pytest.approx(3 * BASE_SECONDS, abs=0.1)
    assert info.frame_count == 30 * BASE_SECONDS
    assert info.has_audio
    decode, split = measure("decode", path, 1), measure("split", path, 1)
    assert 0 < decode["seconds"] < split["seconds"]
    assert 0 < decode["peak_mb"] < 600
    assert split["cpu_seconds"] > 0
