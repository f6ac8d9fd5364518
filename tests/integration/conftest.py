"""One embedded stack for all integration tests: the real template, workflow, handlers and inference server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from functions.core.contracts import JobView
from infra.cli.client import ApiClient
from infra.local.stack import EmbeddedStack
from tests.media import talking_head

# Short enough that running into them is part of a test, long enough for a busy two-core machine.
PARAMETERS = {"ScoringTimeoutSeconds": "15", "UploadExpirySeconds": "10", "MaxUploadBytes": str(8 * 2**20)}
JOB_SECONDS = 60


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStack]:
    with EmbeddedStack(tmp_path_factory.mktemp("aura"), parameters=PARAMETERS) as running:
        yield running


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds of a talking man, with speech-like sound."""
    path = tmp_path_factory.mktemp("clips") / "talking.mp4"
    talking_head(path, seconds=4, size=(640, 480))
    return path


@pytest.fixture
def client(stack: EmbeddedStack) -> ApiClient:
    return ApiClient(stack.api_url, stack.token())


@pytest.fixture
def submit(client: ApiClient) -> Callable[[Path], str]:
    def announce_and_upload(path: Path) -> str:
        announced = client.announce(path)
        client.upload(announced, path)
        return announced.job_id

    return announce_and_upload


@pytest.fixture
def finished(client: ApiClient) -> Callable[..., JobView]:
    """Poll the status route, as a client would, until the job is closed."""

    def follow(job_id: str, seconds: float = JOB_SECONDS, seen: list[JobView] | None = None) -> JobView:
        return client.follow(job_id, (seen if seen is not None else []).append, seconds)

    return follow


@pytest.fixture
def aws(stack: EmbeddedStack) -> Callable[[str], Any]:
    """Any AWS client, pointed at the emulator."""
    return stack.client


@pytest.fixture
def jobs_table(stack: EmbeddedStack) -> Any:
    resource: boto3.Session = stack.session
    return resource.resource("dynamodb", endpoint_url=stack.aws_url).Table(stack.outputs["JobsTableName"])
