"""A training job is ordered as SageMaker takes it, read back in plain words, and its model fetched and checked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws
from pydantic import ValidationError
from typer.testing import CliRunner

from infra.cli import app
from infra.training import job as training
from infra.training.job import JobRefused, follow, read, start
from infra.training.model import download
from infra.training.order import Order
from model_src.serving.errors import ModelUnavailable
from model_src.serving.manifest import MANIFEST, write_model_directory
from model_src.training_job.metric_lines import METRICS, line, line_of_judged
from model_src.verdict.scores import Calibration
from tests.unit.serving.models import small_model
from tests.unit.serving.packed import packed

ROLE = "arn:aws:iam::123456789012:role/training"
IMAGE = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/aura-training:1"
BUCKET = "aura-models"
NOW = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        yield


def order(**changes: Any) -> Order:
    plain = {
        "name": "aura-1",
        "image": IMAGE,
        "role": ROLE,
        "channels": {"training": "s3://videos/ff", "extracted": "s3://videos/ff-extracted"},
        "output": f"s3://{BUCKET}/jobs/",
        "hyperparameters": {"stop.epochs": "3"},
        "tags": {"project": "aura"},
    }
    return Order.model_validate(plain | changes)


# --- ordering ---------------------------------------------------------------------------------------------------------


def test_a_job_is_ordered_as_it_was_meant_to_be() -> None:
    sagemaker = boto3.client("sagemaker")
    arn = start(sagemaker, order(hours=2, wait_hours=1))
    told = sagemaker.describe_training_job(TrainingJobName="aura-1")
    assert told["TrainingJobArn"] == arn
    assert told["AlgorithmSpecification"]["TrainingImage"] == IMAGE
    assert told["HyperParameters"] == {"stop.epochs": "3"}
    assert told["EnableManagedSpotTraining"] is True
    assert told["EnableNetworkIsolation"] is True
    assert told["StoppingCondition"] == {"MaxRuntimeInSeconds": 7200, "MaxWaitTimeInSeconds": 10800}
    assert told["CheckpointConfig"] == {
        "S3Uri": f"s3://{BUCKET}/jobs/aura-1/checkpoints", "LocalPath": "/opt/ml/checkpoints",
    }  # fmt: skip
    channels = {c["ChannelName"]: c["DataSource"]["S3DataSource"] for c in told["InputDataConfig"]}
    assert {name: source["S3Uri"] for name, source in channels.items()} == order().channels
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "project", "Value": "aura"}]


def test_on_demand_machines_are_not_waited_for() -> None:
    assert order(spot=False).request()["StoppingCondition"] == {"MaxRuntimeInSeconds": 24 * 3600}


def test_the_order_s_patterns_find_the_lines_that_the_container_prints() -> None:
    epoch = line(2, {f"epoch/{name}": 0.25 for name in METRICS.values()})
    other = {"videos": 0.25, "auc": 0.25, "difference": 0.25, "interval": [0.25, 0.25]}
    auc = {"value": 0.25, "interval": [0.25, 0.25]}
    end = line_of_judged({"videos": {"scored": 0.25}, "video": {"mean": {"auc": auc}}, "in_service": other})
    said = f"{epoch}\n{end}"
    for metric in order().request()["AlgorithmSpecification"]["MetricDefinitions"]:
        assert re.findall(metric["Regex"], said) == ["0.25"]


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"channels": {"extracted": "s3://videos/x"}}, "channel 'training'"),
        ({"output": "out/jobs"}, "output"),
        ({"role": "training"}, "role"),
        ({"name": "aura 1"}, "name"),
    ],
)
def test_an_order_that_sagemaker_would_refuse_is_not_sent(wrong: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        order(**wrong)


# --- reading back -----------------------------------------------------------------------------------------------------


def described(status: str, stage: str, **more: Any) -> dict[str, Any]:
    """What AWS answers, as its own description of the service has it: the stub checks that."""
    return {
        "TrainingJobName": "aura-1",
        "TrainingJobArn": "arn:aws:sagemaker:eu-central-1:123456789012:training-job/aura-1",
        "ModelArtifacts": {"S3ModelArtifacts": f"s3://{BUCKET}/jobs/aura-1/output/model.tar.gz"},
        "TrainingJobStatus": status,
        "SecondaryStatus": stage,
        "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        "ResourceConfig": {"InstanceType": "ml.g5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 200},
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
        "CreationTime": NOW,
    } | more


def answering(*answers: dict[str, Any]) -> Any:
    sagemaker = boto3.client("sagemaker")
    stubber = Stubber(sagemaker)
    for answer in answers:
        stubber.add_response("describe_training_job", answer, {"TrainingJobName": "aura-1"})
    stubber.activate()
    return sagemaker


def test_a_job_is_followed_through_its_changes_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "LOOK_EVERY", 0)
    metric = {"MetricName": "validation:auc", "Value": 0.9375, "Timestamp": NOW}
    sagemaker = answering(
        described("InProgress", "Downloading"),
        described("InProgress", "Training"),
        described("InProgress", "Training"),
        described("InProgress", "Interrupted", FinalMetricDataList=[metric]),
        described("Completed", "Completed", TrainingTimeInSeconds=100, BillableTimeInSeconds=30),
    )
    states = list(follow(sagemaker, "aura-1"))
    assert [state.stage for state in states] == ["Downloading", "Training", "Interrupted", "Completed"]
    assert states[2].metrics == {"validation:auc": 0.9375}
    assert states[-1].over


def test_a_job_that_nobody_started_is_named() -> None:
    sagemaker = boto3.client("sagemaker")
    with pytest.raises(JobRefused, match="nobody"):
        read(sagemaker, "nobody")


# --- the model --------------------------------------------------------------------------------------------------------


@pytest.fixture
def done(tmp_path: Path) -> Path:
    """A job that has left a model; the folder that the model was packaged in."""
    made = tmp_path / "made"
    write_model_directory(
        made, small_model(), model_version="aura-1", trained=True, calibration=Calibration(method="temperature")
    )
    start(boto3.client("sagemaker"), order())
    return made


def upload(made: Path) -> None:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    s3.upload_file(str(packed(made)), BUCKET, "jobs/aura-1/output/model.tar.gz")


def test_the_model_of_a_job_is_fetched_and_verified(done: Path, tmp_path: Path) -> None:
    upload(done)
    state = read(boto3.client("sagemaker"), "aura-1")
    assert download(boto3.client("s3"), state, tmp_path / "out").model_version == "aura-1"
    assert (tmp_path / "out" / "model" / "model.safetensors").is_file()


def test_a_model_that_is_not_the_one_that_was_packaged_is_refused(done: Path, tmp_path: Path) -> None:
    (done / "calibration.json").write_text("{}")
    assert (done / MANIFEST).is_file()
    upload(done)
    with pytest.raises(ModelUnavailable, match=r"calibration\.json is not the file"):
        download(boto3.client("s3"), read(boto3.client("sagemaker"), "aura-1"), tmp_path / "out")


def test_a_job_without_a_model_says_where_its_checkpoints_are(tmp_path: Path) -> None:
    where = {"S3Uri": f"s3://{BUCKET}/jobs/aura-1/checkpoints"}
    state = read(answering(described("Stopped", "Stopped", CheckpointConfig=where)), "aura-1")
    with pytest.raises(JobRefused, match=r"is Stopped\. Its checkpoints are in s3://aura-models/jobs/aura-1"):
        download(boto3.client("s3"), state, tmp_path)


# --- typed ------------------------------------------------------------------------------------------------------------


def run(*words: str) -> Any:
    return CliRunner().invoke(app, ["train-job", *words])


def test_a_job_is_started_and_asked_for_on_the_command_line() -> None:
    given = ["--videos", "s3://videos/ff", "--image", IMAGE, "--role", ROLE, "--output", f"s3://{BUCKET}/jobs"]
    started = run("start", *given, "--name", "aura-7", "--set", "stop.epochs=5", "--tag", "team=a=b")
    assert started.exit_code == 0, started.output
    told = boto3.client("sagemaker").describe_training_job(TrainingJobName="aura-7")
    assert told["HyperParameters"] == {"stop.epochs": "5"}
    asked = run("status", "aura-7")
    assert asked.exit_code == 0
    assert "aura-7 Completed" in asked.output


def test_a_failed_job_says_its_reason_and_fails_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = described("Failed", "Failed", FailureReason="AlgorithmError: The channel 'training' is empty.")
    client = answering(described("InProgress", "Training"), failed)
    monkeypatch.setattr(boto3, "client", lambda _: client)
    monkeypatch.setattr(training, "LOOK_EVERY", 0)
    found = run("status", "aura-1", "--follow")
    assert found.exit_code == 1
    assert "The channel 'training' is empty." in found.output


def test_settings_that_the_job_would_refuse_start_nothing() -> None:
    given = ["--videos", "s3://videos/ff", "--image", IMAGE, "--role", ROLE, "--output", f"s3://{BUCKET}/jobs"]
    found = run("start", *given, "--name", "aura-8", "--set", "lerning_rate=1")
    assert found.exit_code == 1
    assert "lerning_rate" in found.output
    assert run("status", "aura-8").exit_code == 1


def test_what_cannot_be_ordered_is_said_in_words() -> None:
    given = ["--videos", "somewhere", "--image", IMAGE, "--role", ROLE, "--output", f"s3://{BUCKET}/jobs"]
    found = run("start", *given)
    assert found.exit_code == 1
    assert "channels.training" in found.output
    assert run("start", *given, "--set", "epochs").exit_code == 2
    assert run("status", "nobody").exit_code == 1
