"""The command of the container, as a process of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from model_src.verdict.scores import ChunkScores
from tests.unit.serving.chunks import make_chunk

ROOT = Path(__file__).parents[3]


@contextmanager
def serving(*options: str, **environment: str) -> Iterator[tuple[subprocess.Popen[str], httpx.Client]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    child = subprocess.Popen(
        [sys.executable, "-m", "model_src.serving", "serve", "--port", str(port), *options],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **environment},
        text=True,
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60) as client:
            wait_for(lambda: answers(client, "/health/live"))
            yield child, client
    finally:
        child.kill()
        child.wait()


def answers(client: httpx.Client, path: str) -> bool:
    try:
        return client.get(path).is_success
    except httpx.TransportError:
        return False


def wait_for(condition: Callable[[], Any], within: float = 60.0) -> None:
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, f"nothing within {within} seconds"
        time.sleep(0.05)


def test_an_untrained_model_is_served_and_a_chunk_under_way_outlives_sigterm() -> None:
    chunk = make_chunk(3)
    answer: list[httpx.Response] = []
    with serving("--untrained", "compact", "--threads", "1") as (child, client):
        wait_for(lambda: answers(client, "/ping"))
        scores = ChunkScores.model_validate_json(client.post("/invocations", content=chunk.to_bytes()).content)
        assert len(scores.windows) == 6
        assert (scores.trained, scores.model_version) == (False, "compact-untrained")

        last = threading.Thread(target=lambda: answer.append(client.post("/invocations", content=chunk.to_bytes())))
        last.start()
        time.sleep(0.1)
        child.send_signal(signal.SIGTERM)
        last.join(timeout=60)
        child.wait(timeout=60)
    assert ChunkScores.model_validate_json(answer[0].content) == scores


def test_without_a_model_the_server_stays_up_and_says_what_to_set(tmp_path: Path) -> None:
    with serving(AURA_MODEL_DIR=str(tmp_path / "nowhere")) as (child, client):
        wait_for(lambda: "AURA_MODEL_DIR" in client.get("/health/ready").json()["reason"])
        assert client.get("/ping").status_code == 503
        assert child.poll() is None
