"""Asks the inference server, patiently: a server that is away or busy is waited for, one that fails is retried."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass

import httpx

from infra.local.async_endpoint.invocation import Invocation
from infra.local.async_endpoint.patience import FIRST_PAUSE, LONGEST_PAUSE

logger = logging.getLogger(__name__)

MAX_FAULTS = 3  # a chunk that made the server fail or die this often is not given another chance


@dataclass(frozen=True)
class Answer:
    body: bytes
    content_type: str


class InferenceFailed(Exception):
    """The end of an invocation without a result: the notice's sentence and the failure object's body."""

    def __init__(self, reason: str, answer: Answer) -> None:
        super().__init__(reason)
        self.reason = reason
        self.answer = answer

    @classmethod
    def because(cls, code: str, reason: str) -> InferenceFailed:
        """A failure the model itself has nothing to say about, told in the shape in which the model tells its own."""
        body = json.dumps({"error": {"code": code, "message": reason}}).encode()
        return cls(reason, Answer(body, "application/json"))


class ModelClient:
    def __init__(self, http: httpx.AsyncClient, inference_url: str) -> None:
        self._http = http
        self._url = f"{inference_url.rstrip('/')}/invocations"

    async def invoke(self, invocation: Invocation, payload: bytes) -> Answer:
        """The model's answer, or InferenceFailed once the invocation's time or the server's chances are used up."""
        try:
            async with asyncio.timeout(invocation.timeout_seconds):
                return await self._until_answered(invocation, payload)
        except TimeoutError:
            reason = f"Inference did not finish within {invocation.timeout_seconds} seconds."
            raise InferenceFailed.because("inference_timeout", reason) from None

    async def _until_answered(self, invocation: Invocation, payload: bytes) -> Answer:
        faults, pause = 0, FIRST_PAUSE
        while True:
            wait = pause
            try:
                response = await self._http.post(self._url, content=payload, headers=_headers(invocation))
            except (httpx.ConnectError, httpx.ConnectTimeout):
                logger.info("inference server is away, waiting: %s", invocation.inference_id)
            except httpx.TransportError as error:  # it died or hung up in the middle of our request
                faults += 1
                logger.warning("inference server broke off (%r): %s", error, invocation.inference_id)
                if faults >= MAX_FAULTS:
                    raise InferenceFailed.because("inference_failed", "The model broke off its answer.") from error
            else:
                answer = Answer(response.content, response.headers.get("content-type", "application/octet-stream"))
                if response.is_success:
                    return answer
                if response.status_code < 500:
                    raise InferenceFailed(f"Received client error ({response.status_code}) from model.", answer)
                if response.status_code == 503:  # busy or still loading: it says itself when to come again
                    wait = _retry_after(response) or pause
                else:
                    faults += 1
                    if faults >= MAX_FAULTS:
                        raise InferenceFailed(f"Received server error ({response.status_code}) from model.", answer)
            await asyncio.sleep(min(wait, LONGEST_PAUSE))
            pause *= 2


def _headers(invocation: Invocation) -> dict[str, str]:
    headers = {
        "Content-Type": invocation.content_type or "application/octet-stream",
        "Accept": invocation.accept,
        "X-Amzn-SageMaker-Inference-Id": invocation.inference_id,
        "X-Amzn-SageMaker-Custom-Attributes": invocation.custom_attributes,
    }
    return {name: value for name, value in headers.items() if value is not None}


def _retry_after(response: httpx.Response) -> float | None:
    value = response.headers.get("retry-after", "")
    return float(value) if value.isdigit() else None
