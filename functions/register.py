"""First step: the job exists from here on, whoever announced it, and leaves the waiting stage."""

from __future__ import annotations

from typing import Any

from functions.core import wiring
from functions.core.observability import logger
from functions.core.settings import JobSettings
from functions.core.steps import VideoStep
from functions.core.transient import aws_may_fail


@aws_may_fail
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    step = VideoStep.model_validate(event)
    logger.append_keys(job_id=step.job_id)
    job = wiring.jobs().register(step.upload, JobSettings.load().job_retention_days)
    logger.info("job registered", extra={"owner_known": job.owner is not None, "size": step.upload.size})
    return {"job_id": job.job_id}
