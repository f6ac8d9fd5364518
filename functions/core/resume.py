"""Wake a waiting workflow. A token whose execution has moved on is an ordinary sight, not an error."""

from __future__ import annotations

import json

from functions.core import wiring
from functions.core.observability import logger
from functions.core.scoring_calls import ScoringCall

GONE = ("TaskTimedOut", "TaskDoesNotExist", "InvalidToken")
FAILED = "InferenceFailed"  # the error name that the state machine retries


def send_scores(call: ScoringCall, output: str) -> None:
    """The chunk is scored: progress first, so that a client never sees a finished stage at half its progress."""
    wiring.jobs().chunk_scored(call.job_id, call.chunk, call.chunks)
    _send("send_task_success", token=call.token, output=json.dumps({"index": call.chunk, "location": output}))


def send_failure(token: str, cause: str) -> None:
    _send("send_task_failure", token=token, error=FAILED, cause=cause[:1000])


def _send(method: str, token: str, **arguments: str) -> None:
    client = wiring.client("stepfunctions")
    try:
        getattr(client, method)(taskToken=token, **arguments)
    except client.exceptions.ClientError as error:
        if error.response["Error"]["Code"] not in GONE:
            raise
        logger.info("nobody waits for this answer any more", extra={"reason": error.response["Error"]["Code"]})
