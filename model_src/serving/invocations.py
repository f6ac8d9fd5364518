"""Bytes in, an answer out, as many at a time as the model takes, and one line in the log whatever happens."""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from fastapi import Request, Response

from model_src.preprocess.errors import Refused
from model_src.serving.body import read_body
from model_src.serving.errors import InferenceFailed, TooSlow
from model_src.serving.holder import ModelHolder
from model_src.serving.logs import logger
from model_src.serving.problem import Problem
from model_src.serving.work import Reply, Work

REQUEST_ID_HEADERS = ("x-amzn-sagemaker-inference-id", "x-request-id")
RETRY_AFTER = 2  # seconds: about the time of one chunk
RETRY_AFTER_LOADING = 5


@dataclass
class InferenceEvent:
    """What the log keeps of one request: enough to find and to count it, nothing of what it contained."""

    request_id: str
    size_bytes: int | None = None
    model_version: str | None = None
    fake_probability: float | None = None
    status: str = "success"


class Invocations:
    """Admits a bounded number of requests and scores them beside the event loop, one batch after the other."""

    def __init__(self, holder: ModelHolder, queue_size: int, max_body_bytes: int) -> None:
        self._holder = holder
        self._places = queue_size + holder.batch  # those that wait and those at work
        self._taken = 0
        self._max_body_bytes = max_body_bytes
        self._threads = ThreadPoolExecutor(max_workers=holder.batch, thread_name_prefix="score")

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def __call__(
        self, request: Request, work: Work, admit: Callable[[Request], None] = lambda _: None
    ) -> Response:
        """`admit` says no by raising a Problem, before anything is read."""
        began = time.perf_counter()
        event = InferenceEvent(request_id(request))
        try:
            admit(request)
            answer = await self._answer(request, work, event)
            return Response(answer.json, media_type="application/json")
        except Problem as problem:
            event.status = problem.code
            return problem.response()
        except asyncio.CancelledError:  # the drain ran out of time
            event.status = "cancelled"
            raise
        finally:
            latency = round((time.perf_counter() - began) * 1000, 1)
            logger.info("inference", extra={**vars(event), "latency_ms": latency})

    async def _answer(self, request: Request, work: Work, event: InferenceEvent) -> Reply:
        scorer = self._holder.scorer
        if scorer is None:
            raise Problem(503, "model_not_ready", self._holder.reason, RETRY_AFTER_LOADING)
        if self._taken >= self._places:
            raise Problem(503, "busy", "All places in the queue are taken; come again shortly.", RETRY_AFTER)
        event.model_version = scorer.model_version
        self._taken += 1  # a place is taken before the body is read: the queue bounds the memory too
        try:
            body = await read_body(request, self._max_body_bytes)
            event.size_bytes = len(body)
            answer = await self._run(lambda: work(scorer, body), event.request_id)
        finally:
            self._taken -= 1
        event.fake_probability = answer.fake_probability
        return answer

    async def _run(self, work: Callable[[], Reply], request_id: str) -> Reply:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, work)
        except Refused as error:
            raise Problem(400, error.code, error.message) from error
        except TooSlow as error:
            raise Problem(504, "inference_timeout", str(error)) from error
        except InferenceFailed as error:
            logger.error("inference failed", extra={"request_id": request_id, "reason": str(error)})
            raise Problem(500, "inference_failed", str(error)) from error
        except Exception as error:
            logger.exception("inference failed", extra={"request_id": request_id})
            self._holder.give_up_if_lost(error)
            raise Problem(500, "inference_failed", "The model failed on this input.") from error


def request_id(request: Request) -> str:
    """The caller's name for the request where it gives a decent one, else a new one."""
    for name in REQUEST_ID_HEADERS:
        value = request.headers.get(name, "")
        if re.fullmatch(r"[\x21-\x7e]{1,128}", value):
            return value
    return str(uuid.uuid4())
