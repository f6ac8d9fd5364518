"""Logs and metrics for every function: JSON lines with the job's id on each, secrets and raw bytes never among them."""

from __future__ import annotations

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

SERVICE = "aura-veracity"
SENSITIVE = (
    "password",
    "token",
    "secret",
    "api_key",
    "authorization",
    "cookie",
    "file_content",
    "image_bytes",
    "raw_data",
)
REDACTED = "[redacted]"


def redact(value: object) -> object:
    """Hide what must never be logged: values under telling names, and bytes of any kind."""
    if isinstance(value, bytes | bytearray | memoryview):
        return REDACTED
    if isinstance(value, dict):
        return {
            key: REDACTED if any(word in str(key).lower() for word in SENSITIVE) else redact(item)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [redact(item) for item in value]
    return value


def serialize(record: dict[str, object]) -> str:
    import json

    return json.dumps(redact(record), default=str, separators=(",", ":"))


logger = Logger(service=SERVICE, json_serializer=serialize, utc=True)
metrics = Metrics(namespace="AuraVeracity", service=SERVICE)

__all__ = ["MetricUnit", "logger", "metrics", "redact"]
