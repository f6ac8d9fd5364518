"""Where interfaces meet AWS: the one place that makes clients."""

from __future__ import annotations

from functools import cache
from typing import Any

import boto3
from botocore.config import Config

from functions.core.files import FileStore, S3Files
from functions.core.job_table import JobTable
from functions.core.jobs import JobStore
from functions.core.scoring_calls import ScoringCalls
from functions.core.settings import JobSettings

# Throttling and passing network faults are retried here, close to the call: all tries of one together end within the
# minute that most steps have (the API's function, with 15 s, may end first). The state machine retries whole steps.
# Links name the bucket's own region (`virtual`): the global address redirects, and a signed host cannot be redirected.
CONFIG = Config(
    retries={"mode": "standard", "max_attempts": 4},
    connect_timeout=3,
    read_timeout=10,
    signature_version="v4",
    s3={"addressing_style": "virtual"},
)


@cache
def client(service: str) -> Any:
    return boto3.client(service, config=CONFIG)


@cache
def table() -> Any:
    return boto3.resource("dynamodb", config=CONFIG).Table(JobSettings.load().jobs_table)


def jobs() -> JobStore:
    return JobTable(table())


def scoring_calls() -> ScoringCalls:
    return ScoringCalls(table())


def files() -> FileStore:
    return S3Files(client("s3"))
