"""name=value, as an option that may be repeated is typed."""

from __future__ import annotations

from collections.abc import Sequence

import typer


def pairs(option: str, given: Sequence[str]) -> dict[str, str]:
    found = [text.partition("=") for text in given]
    if wrong := [text for text, (name, _, value) in zip(given, found, strict=True) if not (name and value)]:
        raise typer.BadParameter(f"{option} takes name=value, not {', '.join(wrong)!r}")
    return {name: value for name, _, value in found}
