"""A bar for what takes long, gone when it is done."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from rich.progress import track

from infra.cli.show import console

Item = TypeVar("Item")


def progress(what: str) -> Callable[[Iterable[Item], int], Iterable[Item]]:
    """Hands over one result after the other and shows how many of all are there; an error takes the bar down, too."""
    return lambda results, total: track(results, what, total=total, console=console, transient=True)
