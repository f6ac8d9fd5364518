"""The endpoint's notice: a chunk is scored, or could not be. Wakes the workflow that waits for it."""

from __future__ import annotations

import json
from typing import Any

from functions.core import wiring
from functions.core.observability import logger
from functions.core.resume import send_failure, send_scores
from functions.core.scoring_calls import ScoringCall, round_of


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], _context: Any) -> None:
    for record in event["Records"]:
        resume(json.loads(record["Sns"]["Message"]))


def resume(notice: dict[str, Any]) -> None:
    call = wiring.scoring_calls().behind(notice["inferenceId"])
    if call is None:
        logger.warning("notice for a call nobody made or remembers", extra={"inference_id": notice["inferenceId"]})
        return
    logger.append_keys(job_id=call.job_id, chunk=call.chunk)
    if round_of(notice["inferenceId"]) != call.round:
        logger.info("an answer of an earlier round; the chunk is being scored again")
    elif notice["invocationStatus"] == "Completed":
        send_scores(call, notice["responseParameters"]["outputLocation"])  # whichever attempt it answers
    elif notice["inferenceId"] != call.inference_id:
        logger.info("an earlier attempt failed; the present one goes on")
    else:
        reason = " ".join([notice.get("failureReason", "The endpoint gave no reason."), *words_of_the_model(call)])
        logger.error("endpoint failed on a chunk", extra={"reason": reason})
        send_failure(call.token, reason)


def words_of_the_model(call: ScoringCall) -> list[str]:
    """The notice speaks in general terms; what the model itself answered lies in a file, if it answered at all."""
    if call.failure is None or not wiring.files().exists(call.failure):
        return []
    return [wiring.files().read(call.failure).decode(errors="replace")]
