"""A client of the HTTP API, as any developer would write one: announce, upload, poll."""

from __future__ import annotations

import mimetypes
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel

from functions.core.contracts import CLOSED, AnalyzeVideoResponse, JobView

POLL_SECONDS = 0.5
CONTENT_TYPES = ("video/mp4", "video/quicktime", "video/x-msvideo", "video/webm", "video/x-matroska")


Reply = TypeVar("Reply", bound=BaseModel)


class ApiError(RuntimeError):
    """The API or the upload said no; the message is what it said."""


class ApiClient:
    def __init__(self, api_url: str, token: str) -> None:
        self.http = httpx.Client(
            base_url=api_url, headers={"Authorization": f"Bearer {token}"}, timeout=httpx.Timeout(30, write=300)
        )

    def announce(self, path: Path) -> AnalyzeVideoResponse:
        guessed = mimetypes.guess_type(path.name)[0]
        content_type = guessed if guessed in CONTENT_TYPES else "video/mp4"
        # The name travels as a label only; names that are not Unicode or too long are cut to what JSON can carry.
        label = path.name.encode("utf-8", "replace").decode()[-200:]
        wanted = {"filename": label, "content_type": content_type}
        return self._call(AnalyzeVideoResponse, "POST", "/analyze-video", json=wanted)

    def upload(self, announced: AnalyzeVideoResponse, path: Path) -> None:
        with path.open("rb") as file:  # streamed: the file may be larger than memory
            try:
                answer = httpx.post(
                    announced.upload.url, data=announced.upload.fields, files={"file": ("video", file)}, timeout=300
                )
            except httpx.TransportError as error:
                raise ApiError(f"The upload broke off: {error}") from error
        if not answer.is_success:
            raise ApiError(f"The upload was refused ({answer.status_code}): {answer.text[:300]}")

    def job(self, job_id: str) -> JobView:
        return self._call(JobView, "GET", f"/jobs/{job_id}")

    def follow(self, job_id: str, on_change: Callable[[JobView], None], seconds: float) -> JobView:
        """Poll until the job is closed."""
        deadline = time.monotonic() + seconds
        while True:
            job = self.job(job_id)
            on_change(job)
            if job.status in CLOSED:
                return job
            if time.monotonic() > deadline:
                raise ApiError(
                    f"Job {job_id} is still {job.stage.value} after {seconds:.0f} s; ask for it again later."
                )
            time.sleep(POLL_SECONDS)

    def _call(self, reply: type[Reply], method: str, path: str, **arguments: Any) -> Reply:
        try:
            answer = self.http.request(method, path, **arguments)
        except httpx.TransportError as error:
            raise ApiError(f"The API at {self.http.base_url} cannot be reached: {error}") from error
        if answer.status_code == 401:
            raise ApiError("The API does not accept this token (401). Give a valid one with --token or AURA_TOKEN.")
        if not answer.is_success:
            raise ApiError(f"The API answered {answer.status_code}: {answer.text[:300]}")
        try:
            return reply.model_validate_json(answer.content)
        except ValueError as error:  # a page of a proxy, say, or another service
            raise ApiError(f"What {answer.url} answered is no answer of this API: {answer.text[:300]}") from error


def fetch(link: str) -> bytes:
    """What a link of the API leads to."""
    try:
        answer = httpx.get(link, timeout=60)
    except httpx.TransportError as error:
        raise ApiError(f"A file of the result cannot be fetched: {error}") from error
    if not answer.is_success:
        raise ApiError(f"A file of the result cannot be fetched ({answer.status_code}): {answer.text[:300]}")
    return answer.content
