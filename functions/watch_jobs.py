"""Every few minutes: how old is the oldest running job? A workflow that waits for ever fails no other alarm."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from functions.core.observability import MetricUnit, logger, metrics
from functions.core.settings import WorkflowSettings
from functions.core.wiring import client


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(_event: dict[str, Any], _context: Any) -> dict[str, float]:
    pages = client("stepfunctions").get_paginator("list_executions")
    running = pages.paginate(stateMachineArn=WorkflowSettings.load().state_machine_arn, statusFilter="RUNNING")
    started = [execution["startDate"] for page in running for execution in page["executions"]]
    oldest = (datetime.now(UTC) - min(started)).total_seconds() if started else 0.0
    metrics.add_metric(name="OldestRunningJobSeconds", unit=MetricUnit.Seconds, value=oldest)
    metrics.add_metric(name="RunningJobs", unit=MetricUnit.Count, value=len(started))
    return {"oldest_seconds": oldest, "running": len(started)}
