"""Waiting for what another thread or process does, within a bound."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import httpx

T = TypeVar("T")


def wait_for(condition: Callable[[], T], within: float = 15.0, every: float = 0.02) -> T:
    """Ask until the condition holds, and give what it said; a test that waits in vain fails here."""
    deadline = time.monotonic() + within
    while True:
        if found := condition():
            return found
        assert time.monotonic() < deadline, f"nothing within {within} seconds"
        time.sleep(every)


def answers(url: str) -> bool:
    """Whether a server is there and content."""
    try:
        return httpx.get(url, trust_env=False).is_success
    except httpx.TransportError:
        return False
