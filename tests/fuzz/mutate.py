"""Feed broken videos to probe and split, and see that each gets an answer.

    python -m tests.fuzz.mutate --count 20000 [--first 0] [--workers 2]

A worker imports everything once and then forks for every file: the fork confines itself as the product's child process
does and runs the very same tasks. What counts as a finding is what the product would call our fault: an exception that
is no rejection, an unknown code, more time or memory than the bound. A fork that crashes inside the decoder is what the
child process is there for; it is counted, and the product answers it with `corrupt_video`.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import select
import signal
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from model_src.preprocess import child, inspect_video, pipeline
from model_src.preprocess.messages import FAILED, HEAD, REJECTED, RESULT
from model_src.preprocess.probe import BOUNDS as PROBE_BOUNDS
from model_src.preprocess.split import BOUNDS as SPLIT_BOUNDS
from model_src.preprocess.split import SplitSettings
from tests.fuzz.mutations import make_seeds, mutate
from tests.rejections import REJECTION_CODES

MOST_SECONDS = 30.0
MOST_MEMORY_MB = {"probe": 512, "split": 1024}
SPLIT_EVERY = 4  # accepted files of which one is also split

BOUNDS = {"probe": PROBE_BOUNDS, "split": SPLIT_BOUNDS}

# What the child imports for a task; here it is loaded once, before the forks.
PRELOADED = (inspect_video, pipeline)


@dataclass
class Tally:
    outcomes: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)
    slowest: float = 0.0
    peak_mb: int = 0

    def add(self, other: Tally) -> None:
        self.outcomes += other.outcomes
        self.findings += other.findings
        self.slowest, self.peak_mb = max(self.slowest, other.slowest), max(self.peak_mb, other.peak_mb)


def try_numbers(seeds: list[bytes], numbers: range) -> Tally:
    """Runs in a worker: every mutation with these numbers."""
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mutant.mp4"
        for number in numbers:
            path.write_bytes(mutate(seeds, number))
            accepted = try_task("probe", path, number, tally)
            if accepted and tally.outcomes["probe: accepted"] % SPLIT_EVERY == 0:
                try_task("split", path, number, tally)
    return tally


def try_task(task: str, path: Path, number: int, tally: Tally) -> bool:
    """Was the file accepted? Findings and figures go into the tally."""
    descriptor = os.open(path, os.O_RDONLY)
    begun = time.monotonic()
    try:
        outcome, peak_mb = in_fork(task, descriptor)
    finally:
        os.close(descriptor)
    seconds = time.monotonic() - begun
    tally.outcomes[f"{task}: {outcome}"] += 1
    tally.slowest, tally.peak_mb = max(tally.slowest, seconds), max(tally.peak_mb, peak_mb)
    known = outcome in ("accepted", *REJECTION_CODES) or outcome.startswith("crash contained")
    if not known or seconds > MOST_SECONDS or peak_mb > MOST_MEMORY_MB[task]:
        tally.findings.append(f"mutation {number}, {task}: {outcome}, {seconds:.1f} s, {peak_mb} MB")
    return outcome == "accepted"


def in_fork(task: str, descriptor: int) -> tuple[str, int]:
    """(what became of the file, peak memory of the fork in MB)."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        answer = io.BytesIO()
        job: dict[str, Any] = {"task": task, "descriptor": descriptor, **asdict(BOUNDS[task])}
        job |= asdict(SplitSettings())
        child.serve(job, answer)
        os.write(writer, last_message(answer.getvalue()))
        os._exit(0)
    os.close(writer)
    answered = bool(select.select([reader], [], [], MOST_SECONDS + 5)[0])
    if not answered:
        os.kill(pid, signal.SIGKILL)
    said = os.read(reader, 4096) if answered else b""
    os.close(reader)
    _, status, usage = os.wait4(pid, 0)
    return outcome_of(said, status, answered), usage.ru_maxrss // 1024


def last_message(stream: bytes) -> bytes:
    """The kind of the last message and the beginning of its body."""
    place, kind, length = 0, b"", 0
    while place < len(stream):
        kind, length = HEAD.unpack_from(stream, place)
        place += HEAD.size + length
    return kind + stream[place - length : place][:2000]


def outcome_of(said: bytes, status: int, answered: bool) -> str:
    if not answered:
        return "no answer in time"
    kind, body = said[:1], said[1:]
    if kind == RESULT:
        return "accepted"
    if kind == REJECTED:
        return str(json.loads(body)["code"])
    if kind == FAILED:
        return f"our fault: {body.decode(errors='replace')}"
    if os.WIFSIGNALED(status):
        return f"crash contained ({signal.Signals(os.WTERMSIG(status)).name})"
    return f"ended without an answer (status {status})"


def fuzz(count: int, first: int = 0, workers: int = 2) -> Tally:
    """Try `count` mutations from number `first` on."""
    with tempfile.TemporaryDirectory() as folder:
        seeds = make_seeds(Path(folder))
    total = Tally()
    step = 100
    spans = [range(begin, min(begin + step, first + count)) for begin in range(first, first + count, step)]
    # Fresh interpreters: a worker that forks may have no threads of somebody else's.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for tally in pool.map(try_numbers, [seeds] * len(spans), spans):
            total.add(tally)
    return total


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--first", type=int, default=0, help="number of the first mutation; each number is one file")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    arguments = parser.parse_args()
    begun = time.monotonic()
    total = fuzz(arguments.count, arguments.first, arguments.workers)
    report = [f"{count:>7}  {outcome}" for outcome, count in sorted(total.outcomes.items())]
    report.append(f"slowest {total.slowest:.1f} s, largest {total.peak_mb} MB, {time.monotonic() - begun:.0f} s in all")
    report += [f"FINDING {finding}" for finding in total.findings]
    sys.stdout.write("\n".join(report) + "\n")
    return 1 if total.findings else 0


if __name__ == "__main__":
    sys.exit(main())
