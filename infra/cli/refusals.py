"""What a person can put right ends a command with a sentence on stderr and exit code 1."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer

from infra.cli.show import console, plain


@contextmanager
def refusing(*errors: type[Exception], say: Callable[[Exception], str] = str) -> Iterator[None]:
    try:
        yield
    except errors as error:
        typer.echo(plain(say(error)), err=True)
        raise typer.Exit(1) from error


@contextmanager
def saying_what_is_wrong(when_stopped: str = "") -> Iterator[None]:
    """The same for all that may be wrong with a run or a study; one that was stopped says how it can go on."""
    from pydantic import ValidationError

    from model_src.data.made_clips import SampleMissing
    from model_src.serving.errors import ModelUnavailable
    from model_src.studies.variant import StudyInvalid
    from model_src.training.foreseen import FORESEEN
    from model_src.training.position import STOPPED, Stopped

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        with refusing(*FORESEEN, SampleMissing, ModelUnavailable, StudyInvalid, ValidationError, FileNotFoundError):
            yield
    except Stopped as stopped:
        console.print(f"{stopped}\n{when_stopped}".rstrip())
        raise typer.Exit(STOPPED) from stopped
