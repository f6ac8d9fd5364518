"""A bar for what takes long, gone when it is done."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from rich.progress import track

from infra.cli.show import console

Item = TypeVar("Item")


def progress(what: str) -> Callable[[Sequence[Item]], Iterable[Item]]:
    """Hands over one item after the other and shows how many are done."""
    return lambda items: track(items, what, console=console, transient=True)
