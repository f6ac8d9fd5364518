"""The container's log: JSON lines on standard output, without secrets and raw bytes."""

from __future__ import annotations

import logging
import sys

from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging import utils

from model_src import redaction


def serialize(record: dict[str, object]) -> str:
    record.pop("color_message", None)  # uvicorn's message again, with terminal codes
    return redaction.serialize(record)


logger = Logger(service="aura-inference", json_serializer=serialize, utc=True, use_rfc3339=True)


def log_to_stderr() -> None:
    """For commands whose standard output is their answer."""
    handler = logger.registered_handler
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(sys.stderr)


def adopt_uvicorn() -> None:
    """The web server's own lines (start, stop, faults) in the same shape as ours."""
    utils.copy_config_to_registered_loggers(logger, include={"uvicorn", "uvicorn.error"})
