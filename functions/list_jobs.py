"""GET /jobs: the caller's own jobs, newest first, a page at a time."""

from __future__ import annotations

from typing import Annotated

from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.exceptions import BadRequestError
from aws_lambda_powertools.event_handler.openapi.params import Query

from functions.core import wiring
from functions.core.caller import owner_of
from functions.core.contracts import JobList, Problem, answer
from functions.core.jobs import BadCursor

router = Router()


@router.get(
    "/jobs",
    summary="Your jobs, newest first; ask for one job to get its verdict",
    responses={
        200: answer("A page of jobs", JobList),
        400: answer("A cursor never given out", Problem),
    },
)
def list_jobs(
    limit: Annotated[int, Query(ge=1, le=100)] = 20, cursor: Annotated[str | None, Query(max_length=500)] = None
) -> JobList:
    try:
        page = wiring.jobs().list(owner_of(router), limit, cursor)
    except BadCursor as error:
        raise BadRequestError(str(error)) from error
    # A listing stays small: the verdict itself is one GET away.
    views = [job.view().model_copy(update={"prediction": None, "metadata": None}) for job in page.jobs]
    return JobList(jobs=views, next_cursor=page.next_cursor)
