"""Many clients at once: what the server answers, how long it takes, and whether its memory stays flat.

    python -m infra.bench.load            # 64 clients for 60 s against a server of its own, compact and untrained

A client that is sent away with 503 waits as long as Retry-After says and comes again, as the queue in front would.
"""

from __future__ import annotations

import argparse
import statistics
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from infra.bench.figures import save
from infra.bench.memory import resident_mb

CLIENTS = 64
SETTLE = 0.2  # share of the time after which memory is first looked at: caches are full by then


@dataclass
class Tally:
    """What all clients saw."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    statuses: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)  # of the requests that were answered with scores

    def add(self, status: str, seconds: float) -> None:
        with self.lock:
            self.statuses[status] += 1
            if status == "200":
                self.seconds.append(seconds)


def one_client(http: httpx.Client, url: str, body: bytes, until: float, tally: Tally) -> None:
    while time.monotonic() < until:
        began = time.perf_counter()
        try:
            answer = http.post(f"{url}/invocations", content=body)
        except httpx.TransportError as error:
            tally.add(type(error).__name__, 0.0)
            continue
        wait = answer.headers.get("retry-after")
        refused = answer.status_code == 503
        status = "503 without Retry-After" if refused and wait is None else str(answer.status_code)
        tally.add(status, time.perf_counter() - began)
        if refused:
            time.sleep(max(0.0, min(float(wait or 0.1), until - time.monotonic())))


def load(url: str, pid: int, body: bytes, *, seconds: float) -> dict[str, Any]:
    """Statuses, percentiles of the answered requests, and the server's memory early and at the end."""
    tally = Tally()
    # One pool for all: a pool of its own costs each client its certificates, and 64 of those take the first seconds,
    # in which the clients would come one after the other.
    with httpx.Client(timeout=120, trust_env=False, limits=httpx.Limits(max_connections=CLIENTS)) as http:
        until = time.monotonic() + seconds
        threads = [
            threading.Thread(target=one_client, args=(http, url, body, until, tally), daemon=True)
            for _ in range(CLIENTS)
        ]
        for thread in threads:
            thread.start()
        time.sleep(seconds * SETTLE)
        early = int(resident_mb(pid))
        for thread in threads:
            thread.join()
    cuts = statistics.quantiles(tally.seconds, n=100, method="inclusive") if len(tally.seconds) > 1 else [0.0] * 99
    return {
        "clients": CLIENTS,
        "statuses": dict(tally.statuses),
        "p50": round(cuts[49], 3),
        "p95": round(cuts[94], 3),
        "p99": round(cuts[98], 3),
        "memory_mb": [early, int(resident_mb(pid))],
    }


def main() -> None:
    from infra.local.processes import Process, free_port
    from model_src.serving.parity import probe_chunk

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--untrained", default="compact", metavar="NAME")
    options = parser.parse_args()
    port, log = free_port(), Path("out") / "bench-load.log"
    arguments = ["model_src.serving", "serve", "--port", str(port), "--untrained", options.untrained]
    arguments += ["--cache-dir", "out/model-cache"]
    url = f"http://127.0.0.1:{port}"
    server = Process("inference server", arguments, f"{url}/ping", log, {})
    server.start()
    try:
        server.wait_until_ready(180)
        assert server.child is not None
        figures = load(url, server.child.pid, probe_chunk().to_bytes(), seconds=options.seconds)
    finally:
        server.stop()
    save("bench-load", figures)
    print(figures)


if __name__ == "__main__":
    main()
