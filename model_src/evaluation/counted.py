"""How many there are for each reason, as people read it."""

from __future__ import annotations

from collections.abc import Mapping


def counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {reason.replace('_', ' ')}" for reason, count in counts.items())


def left_out(missing: Mapping[str, int]) -> list[str]:
    """What has to be said of the videos that could not be scored: nothing where there are none."""
    return [f"Left out: {counted(missing)}."] if missing else []
