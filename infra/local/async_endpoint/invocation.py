"""One accepted InvokeEndpointAsync call, as it stands in the journal."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field

from infra.local.async_endpoint.settings import Location, Settings

PREFIX = "x-amzn-sagemaker-"
# What the real service reads and this one does not: an honest refusal beats a silently ignored wish.
UNSUPPORTED = ("s3outputpathextension", "filename")


class InvalidCall(Exception):
    """The caller asked for something the service would refuse as a ValidationError."""


class Invocation(BaseModel):
    model_config = ConfigDict(frozen=True)

    request_id: str = Field(
        description="of this very call: a repeated call has the same inference id and another one of these"
    )
    inference_id: str = Field(min_length=1, max_length=64)
    input_location: str
    output_location: str
    failure_location: str
    content_type: str | None = None
    accept: str | None = None
    custom_attributes: str | None = None
    received_at: float = Field(description="Unix time")
    ttl_seconds: int = Field(default=21_600, ge=60, le=21_600, description="longest wait before the work begins")
    timeout_seconds: int = Field(default=900, ge=1, le=3600, description="longest time the work may take")

    @property
    def expires_at(self) -> float:
        return self.received_at + self.ttl_seconds


def from_headers(headers: Mapping[str, str], settings: Settings) -> Invocation:
    """The headers boto3 sends → an invocation.

    The output's name follows from inference id and input, so a repeated call lands on the same object: the second
    answer overwrites the first with the same content.
    """

    def header(name: str) -> str | None:
        value = headers.get(PREFIX + name)
        # boto3 sends UTF-8, the server reads headers as Latin-1: without this a key with an umlaut is never found.
        return None if value is None else value.encode("latin-1").decode("utf-8")

    if refused := [name for name in UNSUPPORTED if PREFIX + name in headers]:
        raise InvalidCall(f"The local endpoint does not support {', '.join(refused)}.")
    if PREFIX + "inputlocation" not in headers:
        raise InvalidCall("InputLocation is required: the local endpoint takes no inline body.")
    try:
        input_location = str(Location.parse(header("inputlocation") or ""))
        inference_id = header("inference-id") or str(uuid.uuid4())
        name = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{inference_id} {input_location}"))
        limits = {
            "ttl_seconds": header("requestttlseconds"),
            "timeout_seconds": header("invocationtimeoutseconds"),
        }
        return Invocation(
            request_id=str(uuid.uuid4()),
            inference_id=inference_id,
            input_location=input_location,
            output_location=str(settings.output.child(f"{name}.out")),
            failure_location=str(settings.failure.child(f"{name}-error.out")),
            content_type=header("content-type"),
            accept=header("accept"),
            custom_attributes=header("custom-attributes"),
            received_at=time.time(),
            **{key: int(value) for key, value in limits.items() if value is not None},
        )
    except ValueError as error:  # pydantic's ValidationError is one too
        raise InvalidCall(str(error)) from error
