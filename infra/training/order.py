"""What a training job is ordered with, and the request that says so to SageMaker."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from model_src.training_job.metric_lines import definitions
from model_src.training_job.places import CHECKPOINTS, ROOT

S3Uri = Annotated[str, Field(pattern=r"^s3://[a-z0-9.-]{3,63}(/.*)?$")]


class Order(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$", description="letters, digits, hyphens")]
    image: str = Field(min_length=1, description="the training image, in a registry of the account")
    role: Annotated[str, Field(pattern=r"^arn:aws[a-z-]*:iam::\d{12}:role/.+$")]
    channels: dict[str, S3Uri] = Field(
        description="training, and where there are any extracted, weights and in_service"
    )
    output: S3Uri = Field(description="below it: checkpoints, model.tar.gz and output.tar.gz of the job")
    hyperparameters: dict[str, str] = Field({}, description="settings of the run by their dotted names")
    instance: Annotated[str, Field(pattern=r"^ml\.[a-z0-9-]+\.[a-z0-9-]+$")] = "ml.g5.xlarge"
    instances: Annotated[int, Field(ge=1, le=20)] = 1
    disk_gb: Annotated[int, Field(ge=1)] = 200
    spot: bool = Field(True, description="cheaper; may be interrupted and goes on from its checkpoint")
    hours: Annotated[float, Field(gt=0, le=28 * 24)] = Field(24, description="that it may run in all")
    wait_hours: Annotated[float, Field(ge=0)] = Field(24, description="that it may wait for spot machines beside that")
    tags: dict[str, str] = {}

    @model_validator(mode="after")
    def _has_videos(self) -> Self:
        if "training" not in self.channels:
            raise ValueError("a job needs the channel 'training': the S3 address of the videos")
        return self

    @property
    def folder(self) -> str:
        return f"{self.output.rstrip('/')}/{self.name}"

    def request(self) -> dict[str, Any]:
        """As CreateTrainingJob takes it."""
        seconds = round(self.hours * 3600)
        patience = {"MaxWaitTimeInSeconds": seconds + round(self.wait_hours * 3600)} if self.spot else {}
        return {
            "TrainingJobName": self.name,
            "RoleArn": self.role,
            "AlgorithmSpecification": {
                "TrainingImage": self.image,
                "TrainingInputMode": "File",
                "MetricDefinitions": definitions(),
                "EnableSageMakerMetricsTimeSeries": True,
            },
            "HyperParameters": self.hyperparameters,
            "InputDataConfig": [channel(name, uri) for name, uri in self.channels.items()],
            "OutputDataConfig": {"S3OutputPath": self.output},
            "CheckpointConfig": {"S3Uri": f"{self.folder}/{CHECKPOINTS}", "LocalPath": str(ROOT / CHECKPOINTS)},
            "ResourceConfig": {
                "InstanceType": self.instance,
                "InstanceCount": self.instances,
                "VolumeSizeInGB": self.disk_gb,
            },
            "EnableManagedSpotTraining": self.spot,
            # All that a job needs comes by its channels: code that reads strangers' videos gets no way out.
            "EnableNetworkIsolation": True,
            "EnableInterContainerTrafficEncryption": self.instances > 1,
            "StoppingCondition": {"MaxRuntimeInSeconds": seconds} | patience,
            "Tags": [{"Key": key, "Value": value} for key, value in self.tags.items()],
        }


def channel(name: str, uri: str) -> dict[str, Any]:
    """Everything to every host: the processes deal the windows out among themselves."""
    source = {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}}
