"""What the commands that read weights share: whatever is wrong with a file is told in a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from model_src.verdict.scores import Calibration


@contextmanager
def refused_with(beginning: str) -> Iterator[None]:
    """The sentence starts with these words and goes on with the reason."""
    from model_src.serving.errors import InferenceFailed, ModelUnavailable

    try:
        yield
    except (OSError, ValueError, RuntimeError, ModelUnavailable, InferenceFailed) as error:
        typer.echo(f"{beginning}: {error}", err=True)
        raise typer.Exit(1) from error


def calibration_of(path: Path | None) -> Calibration:
    """What a calibration.json says; without one, log-odds are taken at their word."""
    return Calibration() if path is None else Calibration.model_validate_json(path.read_bytes())
