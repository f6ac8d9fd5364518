"""Last step of every job, however it ends: store the result, or the reason there is none."""

from __future__ import annotations

from typing import Any

from functions.core import wiring
from functions.core.contracts import OUR_FAULT, ErrorCode, JobError, Metadata, Result
from functions.core.jobs import seconds_since
from functions.core.observability import MetricUnit, logger, metrics
from functions.core.settings import PipelineSettings
from functions.core.steps import JobStep, SplitSummary, WorkFiles
from functions.core.transient import aws_may_fail
from model_src.verdict.aggregate import VideoScores
from model_src.verdict.prediction import Prediction


@aws_may_fail
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    job_id = JobStep.model_validate(event).job_id
    logger.append_keys(job_id=job_id)
    outcome = refusal(event["error"]) if "error" in event else success(job_id)
    closed = wiring.jobs().close(job_id, outcome)
    if closed:  # a job is counted, and its failure told, once: by whoever closed it first
        ended = "completed"
        if isinstance(outcome, JobError):
            ended = outcome.code
            logger.warning("job failed", extra={"code": ended, "cause": event["error"].get("cause")})  # for us alone
        metrics.add_dimension(name="outcome", value=ended)
        metrics.add_metric(name="JobsClosed", unit=MetricUnit.Count, value=1)
        metrics.flush_metrics()  # here and not at every end: a job that was closed before has nothing to count
    return {"job_id": job_id, "closed": closed}


def refusal(error: dict[str, str]) -> JobError:
    code = ErrorCode(error["code"])
    return JobError(code=code, message=error.get("message") or OUR_FAULT[code])


def success(job_id: str) -> Result:
    files, work = wiring.files(), WorkFiles.of(job_id, PipelineSettings.load())
    scores, summary = files.read_model(work.video_scores, VideoScores), files.read_model(work.summary, SplitSummary)
    result = Result(
        prediction=files.read_model(work.prediction, Prediction),
        metadata=Metadata(
            processing_time_sec=seconds_since(wiring.jobs().get(job_id)),
            video_duration_sec=summary.duration,
            model_version=scores.model_version,
            trained=scores.trained,
            weights_sha256=scores.weights_sha256,
            calibration=scores.calibration,
            **summary.model_dump(exclude={"duration"}),
        ),
    )
    files.write_model(work.result, result)
    return result
