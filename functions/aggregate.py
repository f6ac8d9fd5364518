"""Put the chunks' scores together into the scores of one video, or say that two models made them."""

from __future__ import annotations

from typing import Any

from functions.core import wiring
from functions.core.contracts import Stage
from functions.core.observability import logger
from functions.core.settings import PipelineSettings
from functions.core.steps import ChunkPointer, JobStep, SplitSummary, WorkFiles
from functions.core.transient import aws_may_fail
from model_src.verdict.aggregate import ModelReplaced, aggregate
from model_src.verdict.scores import ChunkScores


@aws_may_fail
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    step, settings = JobStep.model_validate(event), PipelineSettings.load()
    logger.append_keys(job_id=step.job_id)
    wiring.jobs().advance(step.job_id, Stage.AGGREGATING)
    files = wiring.files()
    scored = [ChunkPointer.model_validate(pointer) for pointer in event["scores"]]
    work = WorkFiles.of(step.job_id, settings)
    duration = files.read_model(work.summary, SplitSummary).duration
    try:
        video = aggregate((files.read_model(pointer.location, ChunkScores) for pointer in scored), duration)
    except ModelReplaced as replaced:
        logger.warning("the chunks have to be scored again", extra={"reason": str(replaced)})
        return {"one_model": False}
    files.write_model(work.video_scores, video)
    logger.info("scores aggregated", extra={"windows": len(video.windows), "model_version": video.model_version})
    return {"one_model": True}
