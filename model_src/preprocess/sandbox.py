"""Run a task on an untrusted file in a child process that may use so much memory, time and output, and no more.

The child gets the open file and a short list of environment variables: no credentials, no name of any other file. When
it crashes, hangs or asks for too much memory, the video is rejected and this process goes on.

What it is not kept from, should the file take it over: the network, and the other files and processes of the same user,
which it may read and delete. In the cloud there are none but the function's own, and this process hides its memory.
"""

from __future__ import annotations

import ctypes
import json
import math
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from model_src.preprocess.errors import DetectorUnavailable, SandboxFailed, VideoRejected
from model_src.preprocess.messages import FAILED, HEAD, KINDS, READY, REJECTED, RESULT

# Where Python and its libraries are found; nothing else of the environment reaches the child.
PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL")

# glibc: few heaps, and whole frames are given back to the system as soon as they are done with.
FRUGAL = {"MALLOC_ARENA_MAX": "2", "MALLOC_MMAP_THRESHOLD_": "4000000"}

# Loading the libraries of a function that has just been deployed takes long; it says nothing about the video.
START_SECONDS = 120.0
MAX_MESSAGE = 512 * 1024**2
READ_SIZE = 1024**2
TOO_MUCH = (
    "Reading the video takes longer than the {seconds:.0f} s there are for it: "
    "send a shorter part of it, or one with fewer frames a second."
)

LIBC = ctypes.CDLL(None)
PR_SET_DUMPABLE = 4


@dataclass(frozen=True)
class Bounds:
    """What one task may use."""

    silent_seconds: float  # longest time without a message, from when the child has started
    cpu_seconds: int
    memory_mb: int  # address space beyond what the child has when it starts


def run(
    task: str, descriptor: int, arguments: dict[str, Any], bounds: Bounds, until: float = math.inf
) -> Iterator[tuple[bytes, bytes]]:
    """Yield the child's messages as they come, the last one of kind RESULT. Raises VideoRejected or SandboxFailed.

    At `until`, by the clock of time.monotonic, it ends whoever took the time: the caller has no more of it.
    """
    hide_memory()
    job = json.dumps({"task": task, "descriptor": descriptor, **asdict(bounds), **arguments})
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    environment |= {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **FRUGAL}
    child = subprocess.Popen(
        [sys.executable, "-m", "model_src.preprocess.child", job],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        pass_fds=(descriptor,),
        env=environment,
    )
    assert child.stdout is not None
    started = False
    try:
        for kind, body in _messages(child.stdout.fileno(), bounds.silent_seconds, until):
            if kind == REJECTED:
                told = json.loads(body)
                raise VideoRejected(told["code"], told["message"])
            if kind == FAILED:
                _fail(json.loads(body))
            started = True
            if kind == READY:
                continue
            yield kind, body
            if kind == RESULT:
                return
        ending = _ending(child.wait(timeout=10))
        if not started:  # it never saw the file
            raise SandboxFailed(f"The reader did not start: it {ending}.")
        raise VideoRejected("corrupt_video", f"Reading the file {ending}.")
    finally:
        child.kill()
        child.wait()
        child.stdout.close()


def hide_memory() -> None:
    """From here on no process of this user reads this one's memory or environment, where the credentials are.

    Only the machine's administrator does. A child is readable again once it runs its own program.
    """
    LIBC.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


def _messages(pipe: int, silent_seconds: float, until: float) -> Iterator[tuple[bytes, bytes]]:
    """Split the byte stream. Of silence only the time spent waiting counts: the caller may take as long as it likes."""
    buffer = bytearray()
    begun_all, started, left = time.monotonic(), False, START_SECONDS
    while True:
        while len(buffer) >= HEAD.size:
            kind, length = HEAD.unpack_from(buffer)
            if kind not in KINDS or length > MAX_MESSAGE:
                raise VideoRejected("corrupt_video", "Reading the file went wrong: it produced output without sense.")
            end = HEAD.size + length
            if len(buffer) < end:
                break
            body = bytes(memoryview(buffer)[HEAD.size : end])
            del buffer[:end]
            yield kind, body
            started, left = True, silent_seconds
        begun = time.monotonic()
        answered = select.select([pipe], [], [], max(min(left, until - begun), 0))[0]
        if started and time.monotonic() >= until:
            raise VideoRejected("too_long", TOO_MUCH.format(seconds=max(until - begun_all, 0)))
        if not answered:
            if not started:
                raise SandboxFailed(f"The reader did not start within {time.monotonic() - begun_all:.0f} s.")
            raise VideoRejected("corrupt_video", f"Reading the file did not get on for {silent_seconds:.0f} s.")
        piece = os.read(pipe, READ_SIZE)
        left -= time.monotonic() - begun
        if not piece:
            return
        buffer += piece


def _fail(told: dict[str, str]) -> None:
    if told.get("kind") == DetectorUnavailable.__name__:
        raise DetectorUnavailable(told["message"])
    raise SandboxFailed(told["message"])


def _ending(status: int) -> str:
    if status in (-signal.SIGXCPU, -signal.SIGKILL):
        return "took more time or memory than any valid video needs"
    if status < 0:
        return f"crashed the decoder ({signal.Signals(-status).name})"
    return f"ended without an answer (status {status})"
