"""Can this video be analysed at all? Reads its structure, never trusts it, and says precisely why not."""

from __future__ import annotations

from typing import Any

from functions.core import wiring
from functions.core.contracts import Stage
from functions.core.observability import logger
from functions.core.settings import VideoSettings
from functions.core.steps import Accepted, Rejected, VideoStep
from functions.core.time_left import reading_ends
from functions.core.transient import aws_may_fail
from functions.core.workspace import downloaded
from model_src.preprocess.errors import VideoRejected
from model_src.preprocess.limits import Limits
from model_src.preprocess.probe import probe


@aws_may_fail
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    step, settings = VideoStep.model_validate(event), VideoSettings.load()
    logger.append_keys(job_id=step.job_id)
    wiring.jobs().advance(step.job_id, Stage.VALIDATING)

    limits = Limits(max_seconds=settings.max_video_seconds, max_bytes=settings.max_upload_bytes)
    if step.upload.size > limits.max_bytes:  # before a byte of it is fetched
        return Rejected.because(
            "too_large", f"The file has {step.upload.size:,} bytes; at most {limits.max_bytes:,} are allowed."
        ).model_dump(mode="json")
    with downloaded(step.upload) as path:
        try:
            video = probe(path, limits, reading_ends(context))
        except VideoRejected as rejection:
            logger.info("video rejected", extra={"code": rejection.code})
            return Rejected.because(rejection.code, rejection.message).model_dump(mode="json")
    logger.info("video accepted", extra={"video": video.to_dict()})
    return Accepted().model_dump(mode="json")
