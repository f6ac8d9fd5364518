"""Patience with S3 and SNS."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from infra.local.async_endpoint import aws
from infra.local.async_endpoint.aws import Refused, patiently


def answering(*outcomes: Exception | str) -> Callable[[], str]:
    waiting = list(outcomes)

    def call() -> str:
        outcome = waiting.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return call


def status(code: int) -> ClientError:
    return ClientError({"Error": {"Code": str(code)}, "ResponseMetadata": {"HTTPStatusCode": code}}, "Publish")


def test_an_emulator_that_is_restarting_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aws, "FIRST_PAUSE", 0.01)
    away = [EndpointConnectionError(endpoint_url="x"), ReadTimeoutError(endpoint_url="x"), status(500)]
    assert asyncio.run(patiently(answering(*away, "there"))) == "there"


def test_what_s3_or_sns_refuses_is_not_asked_again() -> None:
    with pytest.raises(Refused):
        asyncio.run(patiently(answering(status(404), "never reached")))
