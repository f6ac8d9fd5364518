"""GET /jobs/{job_id}: how far a job is, and in the end its verdict."""

from __future__ import annotations

from typing import Annotated

from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.params import Path

from functions.core import wiring
from functions.core.caller import owner_of
from functions.core.contracts import JOB_ID, JobView, Problem, answer
from functions.core.links import signed

router = Router()
LINK_SECONDS = 3600


@router.get(
    "/jobs/<job_id>",
    summary="Status, progress and verdict of one of your jobs",
    responses={
        200: answer("The job", JobView),
        404: answer("No such job, or not yours", Problem),
    },
)
def get_job(job_id: Annotated[str, Path(pattern=JOB_ID)]) -> JobView:
    job = wiring.jobs().get(job_id)
    # Another owner's job and no job at all look the same from outside.
    if job is None or job.owner != owner_of(router):
        raise NotFoundError("There is no such job.")
    return signed(job.view(), wiring.files(), LINK_SECONDS)
