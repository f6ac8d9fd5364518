from __future__ import annotations

from collections.abc import Iterator

import pytest
from moto import mock_aws

from tests.unit.retraining.machines import MODELS, REGION, promotion_with, retraining_with
from tests.unit.retraining.play import Machine, client
from tests.unit.retraining.stack import Stack


@pytest.fixture(autouse=True)
def _aws() -> Iterator[None]:
    with mock_aws():
        client("s3").create_bucket(Bucket=MODELS, CreateBucketConfiguration={"LocationConstraint": REGION})
        yield


@pytest.fixture
def group() -> str:
    client("sagemaker").create_model_package_group(ModelPackageGroupName="aura-models")
    return "aura-models"


@pytest.fixture
def stack() -> Stack:
    return Stack()


@pytest.fixture
def retraining(group: str, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return retraining_with(group, stack, monkeypatch)


@pytest.fixture
def promotion(group: str, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return promotion_with(group, stack, monkeypatch)
