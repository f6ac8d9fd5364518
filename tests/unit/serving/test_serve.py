"""The command of the container, as a process of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from model_src.verdict.scores import ChunkScores
from tests.house import HOUSE
from tests.unit.serving.chunks import make_chunk
from tests.waiting import answers, wait_for

START_SECONDS = 180.0  # until a server is up on a busy machine, its libraries compiled on the way


@contextmanager
def serving(
    *options: str, python: Path = Path(sys.executable), folder: Path = HOUSE, **environment: str
) -> Iterator[tuple[subprocess.Popen[str], httpx.Client]]:
    """`serve` as that Python runs it in that folder; until somebody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    child = subprocess.Popen(
        [str(python), "-m", "model_src.serving", "serve", "--port", str(port), *options],
        cwd=folder,
        env={"PATH": os.environ["PATH"], **environment},
        text=True,
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60) as client:
            wait_for(lambda: answers(f"{client.base_url}/health/live"), START_SECONDS)
            yield child, client
    finally:
        child.kill()
        child.wait()


def test_an_untrained_model_is_served_and_a_chunk_under_way_outlives_sigterm() -> None:
    chunk = make_chunk(3)
    answer: list[httpx.Response] = []
    with serving("--untrained", "compact", "--threads", "1") as (child, client):
        wait_for(lambda: answers(f"{client.base_url}/ping"), START_SECONDS)
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
        wait_for(lambda: "AURA_MODEL_DIR" in client.get("/health/ready").json()["reason"], START_SECONDS)
        assert client.get("/ping").status_code == 503
        assert child.poll() is None
