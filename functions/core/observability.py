"""Logs and metrics for every function: JSON lines with the job's id on each, secrets and raw bytes never among them."""

from __future__ import annotations

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from model_src.redaction import serialize

SERVICE = "aura-veracity"

logger = Logger(service=SERVICE, json_serializer=serialize, utc=True)
metrics = Metrics(namespace="AuraVeracity", service=SERVICE)

__all__ = ["MetricUnit", "logger", "metrics"]
