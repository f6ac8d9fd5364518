"""Hand one chunk to the GPU endpoint and leave a token behind; the endpoint's notice wakes the workflow again."""

from __future__ import annotations

from typing import Any

from functions.core import wiring
from functions.core.contracts import Stage
from functions.core.observability import logger
from functions.core.resume import send_failure, send_scores
from functions.core.scoring_calls import ScoringCall
from functions.core.settings import ScoringSettings
from functions.core.steps import ChunkPointer


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], _context: Any) -> None:
    chunk = ChunkPointer.model_validate(event["chunk"])
    call = ScoringCall(
        token=event["token"],
        job_id=event["job_id"],
        chunk=chunk.index,
        chunks=event["chunks"],
        round=event.get("round", 1),
    )
    logger.append_keys(job_id=call.job_id, chunk=chunk.index)
    try:
        hand_over(call, chunk)
    except Exception as error:  # noqa: BLE001 - whatever it is, it must reach the token
        # Nobody waits for this function's answer but the token: an error kept here would be a hang out there.
        logger.exception("chunk could not be handed over")
        send_failure(call.token, f"The chunk could not be handed to the endpoint: {type(error).__name__}")


def hand_over(call: ScoringCall, chunk: ChunkPointer) -> None:
    calls, settings = wiring.scoring_calls(), ScoringSettings.load()
    wiring.jobs().advance(call.job_id, Stage.SCORING)
    earlier = calls.find(call.job_id, call.chunk)
    if earlier and earlier.round != call.round:
        earlier = None  # two models made that round's scores, and nobody knows which of them this one's
    if earlier and earlier.output and wiring.files().exists(earlier.output):
        logger.info("an earlier attempt was answered after all")
        send_scores(call, earlier.output)
        return
    known = earlier.model_dump(include={"output", "failure"}) if earlier else {}
    calls.remember(call.model_copy(update=known))  # first the token, then the call: no notice finds nobody
    answer = wiring.client("sagemaker-runtime").invoke_endpoint_async(
        EndpointName=settings.endpoint_name,
        InputLocation=chunk.location,
        InferenceId=call.inference_id,
        ContentType="application/octet-stream",
        InvocationTimeoutSeconds=settings.scoring_timeout_seconds,
        RequestTTLSeconds=max(60, settings.scoring_timeout_seconds),
    )
    places = {"output": answer["OutputLocation"], "failure": answer.get("FailureLocation")}
    calls.remember(call.model_copy(update=places))
