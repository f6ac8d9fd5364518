"""AWS in memory (moto), with the buckets and the very table that template.yaml describes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from functions.core import wiring
from functions.core.settings import Settings
from infra.local.package import load_template
from tests.house import HOUSE

EVENTS = HOUSE / "events"
ENVIRONMENT = {
    "JOBS_TABLE": "jobs",
    "UPLOADS_BUCKET": "uploads",
    "ARTIFACTS_BUCKET": "artifacts",
    "RESULTS_BUCKET": "results",
    "STATE_MACHINE_ARN": "arn:aws:states:us-east-1:123456789012:stateMachine:analyze",
    "ENDPOINT_NAME": "endpoint",
    "SCORING_TIMEOUT_SECONDS": "60",
    "AWS_DEFAULT_REGION": "us-east-1",
    "POWERTOOLS_METRICS_NAMESPACE": "AuraVeracity",
}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        forget_clients()
        s3 = boto3.client("s3")
        for bucket in ("uploads", "artifacts", "results"):
            s3.create_bucket(Bucket=bucket)
        s3.put_bucket_versioning(Bucket="uploads", VersioningConfiguration={"Status": "Enabled"})
        described = load_template()["Resources"]["JobsTable"]["Properties"]
        kept = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
        table = boto3.resource("dynamodb").create_table(TableName="jobs", **{name: described[name] for name in kept})
        yield SimpleNamespace(s3=s3, table=table, jobs=wiring.jobs(), files=wiring.files())
    forget_clients()


KEPT = (wiring.client, wiring.table, Settings.load.__func__)  # type: ignore[attr-defined]


def forget_clients() -> None:
    """Clients and settings are kept for a function's life; each test is a life of its own."""
    for kept in KEPT:
        kept.cache_clear()


@pytest.fixture
def context() -> SimpleNamespace:
    return SimpleNamespace(
        function_name="test",
        memory_limit_in_mb=512,
        invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:test",
        aws_request_id="request-1",
        get_remaining_time_in_millis=lambda: 900_000,
    )


@pytest.fixture
def example() -> Callable[[str], dict[str, Any]]:
    """An example event, as the handler gets it."""

    def read(name: str) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
        return loaded

    return read
