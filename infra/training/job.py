"""A training job on SageMaker: started, and read back as often as one likes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import BaseModel, ConfigDict

from infra.training.order import Order

OVER = {"Completed", "Failed", "Stopped"}
LOOK_EVERY = 30.0  # seconds


class JobRefused(RuntimeError):
    """SageMaker said no; the message is what it said."""


class JobState(BaseModel):
    """What is worth knowing of a job at this moment."""

    model_config = ConfigDict(frozen=True)

    name: str
    status: str  # InProgress, Completed, Failed, Stopping, Stopped
    stage: str  # Starting, Downloading, Training, Interrupted, Uploading, …
    reason: str | None  # of a failure: the sentence that the job left behind
    metrics: dict[str, float]  # the latest value of each
    model: str | None  # address of model.tar.gz
    checkpoints: str | None
    training_seconds: int | None
    billable_seconds: int | None

    @property
    def over(self) -> bool:
        return self.status in OVER


def start(sagemaker: Any, order: Order) -> str:
    """The ARN of the job."""
    return call(sagemaker.create_training_job, **order.request())["TrainingJobArn"]


def read(sagemaker: Any, name: str) -> JobState:
    told = call(sagemaker.describe_training_job, TrainingJobName=name)
    return JobState(
        name=name,
        status=told["TrainingJobStatus"],
        stage=told["SecondaryStatus"],
        reason=told.get("FailureReason"),
        metrics={found["MetricName"]: found["Value"] for found in told.get("FinalMetricDataList", [])},
        model=told.get("ModelArtifacts", {}).get("S3ModelArtifacts"),
        checkpoints=told.get("CheckpointConfig", {}).get("S3Uri"),
        training_seconds=told.get("TrainingTimeInSeconds"),
        billable_seconds=told.get("BillableTimeInSeconds"),
    )


def follow(sagemaker: Any, name: str) -> Iterator[JobState]:
    """The job whenever something about it has changed, until it is over."""
    last = None
    while last is None or not last.over:
        if last is not None:
            time.sleep(LOOK_EVERY)
        state = read(sagemaker, name)
        if state != last:
            yield state
        last = state


def call(operation: Any, **arguments: Any) -> dict[str, Any]:
    try:
        return operation(**arguments)
    except ClientError as error:
        raise JobRefused(f"SageMaker refused: {error.response['Error']['Message']}") from error
    except BotoCoreError as error:
        raise JobRefused(f"SageMaker cannot be asked: {error}") from error
