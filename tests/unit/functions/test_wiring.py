"""How the functions meet AWS: what its faults are called, and which address its links name."""

from __future__ import annotations

from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from boto3.exceptions import RetriesExceededError
from botocore.exceptions import ClientError, EndpointConnectionError

from functions import aggregate, calibrate, close_job, explain, register, split, validate
from functions.core import wiring
from functions.core.files import S3Files
from functions.core.transient import Transient

FAULTS = [
    boto3.client("dynamodb", "us-east-1").exceptions.ProvisionedThroughputExceededException(
        {"Error": {"Code": "ProvisionedThroughputExceededException", "Message": "slow down"}}, "UpdateItem"
    ),
    ClientError({"Error": {"Code": "SlowDown", "Message": "slow down"}}, "GetObject"),
    EndpointConnectionError(endpoint_url="https://dynamodb"),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: type(fault).__name__)
@pytest.mark.parametrize("function", [register, validate, split, aggregate, calibrate, explain, close_job])
def test_a_fault_of_aws_has_one_name_in_every_step(
    aws: Any, function: ModuleType, fault: Exception, example: Any, context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> Any:
        raise fault

    name = function.__name__.rpartition(".")[2]
    monkeypatch.setattr(wiring, "jobs", broken)
    with pytest.raises(Transient, match=type(fault).__name__):
        function.handler(example(name), context)


@pytest.mark.parametrize("region", ["eu-central-1", "eu-south-1"])
def test_forms_and_links_name_the_region_of_the_bucket(region: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The global address answers with a redirect outside of us-east-1, which no browser follows for a form."""
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(variable, "test")
    files = S3Files(boto3.client("s3", region_name=region, config=wiring.CONFIG))
    form = files.upload_form("s3://uploads/api/job/video.mp4", "video/mp4", 1000, 60)
    assert urlsplit(form["url"]).netloc == f"uploads.s3.{region}.amazonaws.com"
    assert urlsplit(files.link("s3://results/job/a.png", 60)).netloc == f"results.s3.{region}.amazonaws.com"


def test_the_emulators_links_name_no_host_that_only_a_dns_could_find() -> None:
    s3 = boto3.client(
        "s3",
        region_name="us-east-1",
        endpoint_url="http://127.0.0.1:4566",
        config=wiring.CONFIG,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    form = S3Files(s3).upload_form("s3://uploads/api/job/video.mp4", "video/mp4", 1000, 60)
    assert form["url"].startswith("http://127.0.0.1:4566/uploads")


def test_a_download_that_broke_off_is_tried_again(
    aws: Any, example: Any, context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> Any:
        raise RetriesExceededError(None)

    monkeypatch.setattr(wiring, "jobs", broken)
    with pytest.raises(Transient, match="RetriesExceededError"):
        validate.handler(example("validate"), context)
