"""Turn scores into a verdict: calibrated probabilities, real, fake or uncertain, and what decided."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from functions.core import wiring
from functions.core.contracts import Stage
from functions.core.observability import logger
from functions.core.settings import PipelineSettings
from functions.core.steps import JobStep, WorkFiles
from functions.core.transient import aws_may_fail
from model_src.verdict.aggregate import VideoScores
from model_src.verdict.calibrate import calibrate, frame_confidences
from model_src.verdict.prediction import FrameConfidence


@aws_may_fail
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    step, settings = JobStep.model_validate(event), PipelineSettings.load()
    logger.append_keys(job_id=step.job_id)
    wiring.jobs().advance(step.job_id, Stage.CALIBRATING)
    files, work = wiring.files(), WorkFiles.of(step.job_id, settings)
    scores = files.read_model(work.video_scores, VideoScores)
    prediction = calibrate(scores).model_copy(update={"frame_confidences_url": work.frame_confidences})
    frames = TypeAdapter(list[FrameConfidence]).dump_json(frame_confidences(scores))
    files.write(work.frame_confidences, frames, "application/json")
    files.write_model(work.prediction, prediction)
    logger.info("verdict reached", extra={"overall_class": prediction.overall_class, "trained": scores.trained})
    return {"overall_class": prediction.overall_class}
