"""The container's log: JSON lines on standard output, without secrets and raw bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping

from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging import utils

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
    """Everything under a telling name and every run of bytes is hidden, however deep it sits."""
    if isinstance(value, bytes | bytearray | memoryview):
        return REDACTED
    if isinstance(value, Mapping):
        return {
            key: REDACTED if any(word in str(key).lower().replace("-", "_") for word in SENSITIVE) else redact(item)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [redact(item) for item in value]
    return value


def serialize(record: dict[str, object]) -> str:
    record.pop("color_message", None)  # uvicorn's message again, with terminal codes
    # An object that JSON does not know is named by its type: its text could hold anything.
    return json.dumps(redact(record), default=lambda value: f"<{type(value).__name__}>", separators=(",", ":"))


logger = Logger(service="aura-inference", json_serializer=serialize, utc=True, use_rfc3339=True)


def adopt_uvicorn() -> None:
    """The web server's own lines (start, stop, faults) in the same shape as ours."""
    utils.copy_config_to_registered_loggers(logger, include={"uvicorn", "uvicorn.error"})
