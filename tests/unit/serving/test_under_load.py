"""Under more requests than it can take, the server answers or sends away; killed, it comes back as it was."""

from __future__ import annotations

import signal
import threading
import time

import httpx

from infra.bench.load import load
from tests.unit.serving.chunks import make_chunk
from tests.unit.serving.test_serve import START_SECONDS, serving
from tests.waiting import answers, wait_for

OPTIONS = ("--untrained", "compact", "--threads", "1")


def test_64_clients_at_once_are_served_or_told_when_to_come_again_and_memory_stays_flat() -> None:
    with serving(*OPTIONS) as (child, client):
        wait_for(lambda: answers(f"{client.base_url}/ping"), START_SECONDS)
        found = load(str(client.base_url).rstrip("/"), child.pid, make_chunk(0.6, sound=False).to_bytes(), seconds=4)
    assert set(found["statuses"]) == {"200", "503"}
    early, late = found["memory_mb"]
    assert late - early < 100
    assert 0 < found["p50"] <= found["p95"] <= found["p99"]


def test_a_server_killed_in_mid_request_scores_the_same_chunk_when_it_is_back() -> None:
    chunk = make_chunk(15).to_bytes()  # seconds of work, and four of them: the kill never comes too late
    broken: list[Exception] = []

    def ask(client: httpx.Client) -> None:
        try:
            client.post("/invocations", content=chunk)
        except httpx.TransportError as error:
            broken.append(error)

    with serving(*OPTIONS) as (child, client):
        wait_for(lambda: answers(f"{client.base_url}/ping"), START_SECONDS)
        asking = [threading.Thread(target=ask, args=(client,)) for _ in range(4)]
        for thread in asking:
            thread.start()
        time.sleep(0.2)
        child.send_signal(signal.SIGKILL)
        for thread in asking:
            thread.join(timeout=20)
    assert broken  # the callers hear of it at once, and may ask again
    assert not any(thread.is_alive() for thread in asking)

    with serving(*OPTIONS) as (_, client):
        wait_for(lambda: answers(f"{client.base_url}/ping"), START_SECONDS)
        assert client.post("/invocations", content=chunk).status_code == 200
