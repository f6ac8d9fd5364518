"""Logs and metrics for every function: JSON lines, secrets and raw bytes never among them.

Every line of a workflow step carries `job_id`; those of the endpoint carry `request_id`, which begins with it.

Both carry the service's name, which the template sets to the stack's (POWERTOOLS_SERVICE_NAME): staging and production
in one account stay apart.
"""

from __future__ import annotations

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from model_src.redaction import serialize

logger = Logger(json_serializer=serialize, utc=True)
metrics = Metrics(namespace="AuraVeracity")

__all__ = ["MetricUnit", "logger", "metrics"]
