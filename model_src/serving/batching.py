"""Joins the chunks of requests that come at about the same time: a GPU takes several in hardly more time than one.

Requests are read, checked and answered each on a thread of its own; only the model itself is asked by one thread, with
whatever has gathered in the meantime. While it works the next batch gathers by itself; when it is idle, the first
chunk waits a few milliseconds for company.
"""

from __future__ import annotations

import queue
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass, field

from model_src.preprocess.chunk import Chunk
from model_src.serving.scorer import BatchScorer
from model_src.verdict.scores import Calibration, ChunkScores

WAIT_SECONDS = 0.004


@dataclass(frozen=True)
class Waiting:
    chunk: Chunk
    scores: Future[ChunkScores] = field(default_factory=Future)


class BatchingScorer:
    """A scorer for many threads at once; every chunk gets the scores it would get alone."""

    def __init__(self, inside: BatchScorer, largest: int, wait_seconds: float = WAIT_SECONDS) -> None:
        self._inside = inside
        self._largest = largest
        self._wait_seconds = wait_seconds
        self._queue: queue.Queue[Waiting] = queue.Queue()
        threading.Thread(target=self._work, name="score-batches", daemon=True).start()

    @property
    def model_version(self) -> str:
        return self._inside.model_version

    @property
    def calibration(self) -> Calibration:
        return self._inside.calibration

    def score_chunk(self, chunk: Chunk) -> ChunkScores:
        waiting = Waiting(chunk)
        self._queue.put(waiting)
        return waiting.scores.result()

    def _work(self) -> None:
        while True:
            batch = self._gather()
            try:
                answers = self._inside.score_chunks([waiting.chunk for waiting in batch])
            except Exception as error:  # noqa: BLE001 - this thread must outlive whatever breaks
                answers = [error] * len(batch)
            for waiting, answer in zip(batch, answers, strict=True):
                if isinstance(answer, Exception):
                    waiting.scores.set_exception(answer)
                else:
                    waiting.scores.set_result(answer)

    def _gather(self) -> list[Waiting]:
        """The first that comes, and those that come within the wait after it."""
        batch = [self._queue.get()]
        until = time.monotonic() + self._wait_seconds
        while len(batch) < self._largest:
            try:
                batch.append(self._queue.get(timeout=max(0.0, until - time.monotonic())))
            except queue.Empty:
                break
        return batch
