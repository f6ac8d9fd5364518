"""The two state machines of training with the values that the template gives them, and a registry to play them on."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.retraining.play import Machine, Service, client
from tests.unit.retraining.stack import Stack

REGION = "eu-central-1"
IMAGE = f"123456789012.dkr.ecr.{REGION}.amazonaws.com/aura-training:1"
ROLE = "arn:aws:iam::123456789012:role/training"
MODELS = "aura-models"
NO_FIGURES = "No figures on test videos: there were none of both classes, or the figures got lost. Look at its report"
COMMON = {"Partition": "aws", "StackId": "aura", "Topic": f"arn:aws:sns:{REGION}:123456789012:alarms"}


def retraining_with(group: str, stack: Stack, monkeypatch: pytest.MonkeyPatch, **changes: str) -> Machine:
    plain = {
        "Stack": "aura",
        "TrainingRole": ROLE,
        "TrainingImage": IMAGE,
        "Settings": "model=contract-v1, stop.epochs=3",
        "Data": "s3://videos/ff",
        "Weights": "",
        "Instance": "ml.g5.xlarge",
        "DiskGb": "200",
        "Output": f"s3://{MODELS}/training",
        "Group": group,
        "InferenceImage": IMAGE.replace("-training", ""),
    }
    machine = Machine("retrain", monkeypatch, **COMMON | plain | changes)
    machine.services |= {"describeStacks": stack.describe, "createTrainingJob": trained()}
    return machine


def promotion_with(group: str, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine("promote_model", monkeypatch, **COMMON, Group=group)
    machine.services |= {"describeStacks": stack.describe, "updateStack": stack.update}
    return machine


def trained(**figures: float) -> Service:
    """A training job that ends at once, having printed these figures."""

    def train(asked: dict[str, Any]) -> dict[str, Any]:
        client("sagemaker").create_training_job(**asked)
        return described(asked, {name.replace("__", ":"): value for name, value in figures.items()})

    return train


def described(asked: dict[str, Any], figures: dict[str, float]) -> dict[str, Any]:
    archive = f"{asked['OutputDataConfig']['S3OutputPath']}/{asked['TrainingJobName']}/output/model.tar.gz"
    metrics = [{"MetricName": name, "Value": value} for name, value in figures.items()]
    told: dict[str, Any] = {"ModelArtifacts": {"S3ModelArtifacts": archive}, "TrainingJobStatus": "Completed"}
    return told | ({"FinalMetricDataList": metrics} if metrics else {})


def packages() -> list[dict[str, Any]]:
    """Newest first."""
    sagemaker = client("sagemaker")
    found = sagemaker.list_model_packages(ModelPackageGroupName="aura-models")["ModelPackageSummaryList"]
    names = sorted((each["ModelPackageArn"] for each in found), key=lambda arn: -int(arn.rpartition("/")[2]))
    return [sagemaker.describe_model_package(ModelPackageName=name) for name in names]


def answer(package: dict[str, Any], verdict: str = "Approved") -> None:
    """What a person does in the console, or with the command of the message."""
    arn = package["ModelPackageArn"]
    client("sagemaker").update_model_package(ModelPackageArn=arn, ModelApprovalStatus=verdict)


def register(group: str, url: str) -> dict[str, Any]:
    client("sagemaker").create_model_package(
        ModelPackageGroupName=group,
        ModelApprovalStatus="PendingManualApproval",
        InferenceSpecification={
            "Containers": [{"Image": IMAGE, "ModelDataUrl": url}],
            "SupportedContentTypes": ["application/octet-stream"],
            "SupportedResponseMIMETypes": ["application/json"],
        },
    )
    return packages()[0]
