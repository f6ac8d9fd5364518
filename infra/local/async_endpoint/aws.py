"""Objects and notices over boto3, patient with an emulator that is being restarted."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from typing import Any, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, HTTPClientError, IncompleteReadError, ParamValidationError
from botocore.exceptions import ConnectionError as AwsConnectionError

from infra.local.account import MADE_UP, REGION
from infra.local.async_endpoint.model_client import Answer
from infra.local.async_endpoint.patience import FIRST_PAUSE, LONGEST_PAUSE
from infra.local.async_endpoint.settings import Location, Settings

logger = logging.getLogger(__name__)

T = TypeVar("T")
AWAY = (AwsConnectionError, HTTPClientError, IncompleteReadError)


class Refused(Exception):
    """S3 or SNS understood the request and said no: trying again would not help."""


class Aws:
    def __init__(self, settings: Settings) -> None:
        self._s3 = _client("s3", settings.s3_endpoint)
        self._sns = _client("sns", settings.sns_endpoint)

    async def read(self, location: Location) -> bytes:
        def read() -> bytes:
            return self._s3.get_object(Bucket=location.bucket, Key=location.key)["Body"].read()

        return await patiently(read)

    async def write(self, location: Location, answer: Answer) -> None:
        def write() -> None:
            self._s3.put_object(
                Bucket=location.bucket, Key=location.key, Body=answer.body, ContentType=answer.content_type
            )

        await patiently(write)

    async def publish(self, topic: str, message: str) -> None:
        def publish() -> None:
            self._sns.publish(TopicArn=topic, Message=message)

        await patiently(publish)


def _client(service: str, endpoint_url: str) -> Any:
    """Speaks to an emulator alone; without credentials in the environment made-up ones do."""
    return boto3.client(
        service,
        endpoint_url=endpoint_url,
        region_name=REGION,
        aws_access_key_id=os.environ.get("AWS_ACCESS_KEY_ID", MADE_UP),
        aws_secret_access_key=os.environ.get("AWS_SECRET_ACCESS_KEY", MADE_UP),
        config=Config(
            retries={"mode": "standard", "total_max_attempts": 1},
            connect_timeout=5,
            read_timeout=10,
            s3={"addressing_style": "path"},
        ),
    )


async def patiently(call: Callable[[], T]) -> T:
    """Run a blocking call beside the event loop until S3 or SNS answers: an accepted invocation is never lost."""
    pause = FIRST_PAUSE
    while True:
        try:
            return await asyncio.to_thread(call)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] < 500:
                raise Refused(str(error)) from error
            logger.warning("trying again: %s", error)
        except ParamValidationError as error:
            raise Refused(str(error)) from error
        except AWAY as error:
            logger.warning("trying again: %s", error)
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)
