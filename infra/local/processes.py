"""A child process of the embedded stack: started with a clean environment, watched, and stopped by its own id."""

from __future__ import annotations

import ctypes
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import httpx

from infra.local.account import MADE_UP, REGION

LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1
LAST_LINES = 15  # of a log, for whoever has to find out why a process stopped


def go_with_the_parent() -> None:
    """In the child: be asked to stop when the parent is gone, even if that was killed or its terminal was closed."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class StartFailed(RuntimeError):
    """A part of the stack did not come up; the message ends with what it logged last."""


class Process:
    """One `python -m …`, with its log file, known to answer at `ready_url` once it is up."""

    def __init__(
        self, name: str, arguments: list[str], ready_url: str, log: Path, environment: Mapping[str, str]
    ) -> None:
        self.name, self.arguments, self.ready_url, self.log = name, arguments, ready_url, log
        self.environment = clean_environment() | dict(environment)
        self.child: subprocess.Popen[bytes] | None = None

    def start(self, kept_open: tuple[int, ...] = ()) -> None:
        """With these files open: what they lock stays locked until the last process is gone, however ours ends."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            # A session of its own: Ctrl-C reaches the stack, which then stops its parts in order.
            self.child = subprocess.Popen(
                [sys.executable, "-m", *self.arguments],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=kept_open,
                preexec_fn=go_with_the_parent,
            )

    def wait_until_ready(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not self.running:
                raise StartFailed(f"{self.name} stopped while starting:\n{self.last_words()}")
            try:
                if httpx.get(self.ready_url, timeout=2).status_code == 200:
                    return
            except httpx.TransportError:
                pass  # not listening yet
            time.sleep(0.1)
        raise StartFailed(f"{self.name} was not ready after {seconds:.0f} s:\n{self.last_words()}")

    @property
    def running(self) -> bool:
        return self.child is not None and self.child.poll() is None

    def stop(self, seconds: float = 15) -> None:
        """Ask, wait, then insist."""
        if self.child is None:
            return
        if self.running:
            self.child.send_signal(signal.SIGTERM)
            try:
                self.child.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()
        self.child = None

    def kill(self) -> None:
        """kill -9, as the out-of-memory killer would."""
        if self.child is not None and self.running:
            self.child.kill()
            self.child.wait()

    def last_words(self) -> str:
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-LAST_LINES:])


def clean_environment() -> dict[str, str]:
    """What a fresh machine would have: no function may work by a variable of the person at the keyboard."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return kept | {
        "AWS_ACCESS_KEY_ID": MADE_UP,
        "AWS_SECRET_ACCESS_KEY": MADE_UP,
        "AWS_DEFAULT_REGION": REGION,
        "PYTHONUNBUFFERED": "1",
        # Several workers share two or so cores: each of them taking all cores makes all of them slower.
        "OMP_NUM_THREADS": "2",
        "OMP_WAIT_POLICY": "PASSIVE",  # waiting threads that spin take the cores from the others
    }


def free_port(wanted: int | None = None) -> int:
    """A free loopback port; the wanted one if it is free, so that addresses survive a restart.

    Below the range from which the system takes ports for outgoing connections: none can snatch it before it is used.
    """
    candidates = [wanted] if wanted else []
    for port in [*candidates, *random.sample(range(20_000, 32_000), 100)]:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise StartFailed("no free port was found on 127.0.0.1")
