"""The local endpoint's name, where it finds the model, S3 and SNS, and where results, notices and its state go."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from functions.core.files import locate, parse


@dataclass(frozen=True)
class Location:
    """An object or a folder in S3."""

    bucket: str
    key: str

    @classmethod
    def parse(cls, uri: str) -> Location:
        """`s3://bucket/any/key` → Location. A location that is no S3 URI is refused with a sentence."""
        return cls(*parse(uri))

    def child(self, name: str) -> Location:
        return Location(self.bucket, f"{self.key.rstrip('/')}/{name}")

    def __str__(self) -> str:
        return locate(self.bucket, self.key)


@dataclass(frozen=True)
class Settings:
    """The counterpart of an EndpointConfig with its AsyncInferenceConfig."""

    endpoint_name: str
    inference_url: str
    s3_endpoint: str
    sns_endpoint: str
    success_topic: str
    error_topic: str
    output: Location
    failure: Location
    state_dir: Path
    concurrency: int = 1
