"""An upload arrived: start the state machine under the job's own name, so that one upload is one execution."""

from __future__ import annotations

from typing import Any

from functions.core.observability import logger
from functions.core.settings import WorkflowSettings
from functions.core.uploads import Upload
from functions.core.wiring import client


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], _context: Any) -> dict[str, str]:
    upload = Upload.from_event(event)
    logger.append_keys(job_id=upload.job_id)
    machine = client("stepfunctions")
    try:
        machine.start_execution(
            stateMachineArn=WorkflowSettings.load().state_machine_arn,
            name=upload.job_id,
            input=upload.as_execution_input(),
        )
        logger.info("analysis started", extra={"key": upload.key})
    except machine.exceptions.ExecutionAlreadyExists:
        logger.info("event repeated: this upload is being analysed, or has been")
    return {"job_id": upload.job_id}
