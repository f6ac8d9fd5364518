"""A model, an emulator of S3 and SNS, and an endpoint between them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.local.async_endpoint.settings import Location, Settings
from infra.local.processes import free_port
from tests.unit.local.async_endpoint.world import ENDPOINT, Aws, FakeModel, running
from tests.waiting import answers, wait_for


@pytest.fixture
def model() -> FakeModel:
    model = FakeModel()
    model.hold.set()
    return model


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """S3, SNS and SQS on a private port, in a clean environment and with a state folder of their own."""
    port, folder = free_port(), tmp_path_factory.mktemp("emulator")
    environment = {
        "PATH": os.environ["PATH"],
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "STATE_DIR": str(folder / "state"),
        "S3_DATA_DIR": str(folder / "s3"),
        "TMPDIR": str(folder),
        "SERVICES": "s3,sns,sqs",
        "IOT_MTLS_ENABLED": "0",
    }
    child = subprocess.Popen(
        [sys.executable, "-m", "ministack"],
        env=environment,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(lambda: answers(f"{url}/_ministack/health"), within=30)
        yield url
    finally:
        child.terminate()
        child.wait(timeout=20)


@pytest.fixture
def aws(emulator: str) -> Aws:
    return Aws(emulator)


@pytest.fixture
def settings(aws: Aws, model: FakeModel, tmp_path: Path) -> Settings:
    return Settings(
        endpoint_name=ENDPOINT,
        inference_url=model.url,
        s3_endpoint=aws.url,
        sns_endpoint=aws.url,
        success_topic=aws.success,
        error_topic=aws.error,
        output=Location(aws.bucket, "out"),
        failure=Location(aws.bucket, "failed"),
        state_dir=tmp_path,
        concurrency=2,
    )


@pytest.fixture
def endpoint(settings: Settings, aws: Aws) -> Iterator[Any]:
    with running(settings, aws) as client:
        yield client
