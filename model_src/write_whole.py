"""Write a file so that whoever reads it finds the new one whole, or still the one before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def write_whole(path: Path) -> Iterator[Path]:
    """Where to write meanwhile: beside the path, under another name. What fails on the way leaves the path alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    yield unfinished
    unfinished.replace(path)
