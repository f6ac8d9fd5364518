"""Cut the video into chunks of 1-second windows: aligned faces, sound, and where they came from."""

from __future__ import annotations

from typing import Any

from functions.core import wiring
from functions.core.contracts import ExcludedSpan, Stage
from functions.core.observability import logger
from functions.core.settings import VideoSettings
from functions.core.steps import ChunkPointer, Chunks, Rejected, SplitSummary, VideoStep, WorkFiles
from functions.core.time_left import reading_ends
from functions.core.transient import aws_may_fail
from functions.core.workspace import downloaded
from model_src.preprocess.checksum import sha256
from model_src.preprocess.chunk import Chunk
from model_src.preprocess.errors import VideoRejected
from model_src.preprocess.limits import Limits
from model_src.preprocess.split import SplitSettings, split_video

REPORTED = ("duration", "picture_starts", "width", "height", "frame_rate", "frames_sampled", "frames_analyzed")


@aws_may_fail
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    step, settings = VideoStep.model_validate(event), VideoSettings.load()
    logger.append_keys(job_id=step.job_id)
    wiring.jobs().advance(step.job_id, Stage.SPLITTING)
    files, work = wiring.files(), WorkFiles.of(step.job_id, settings)
    limits = Limits(max_seconds=settings.max_video_seconds, max_bytes=settings.max_upload_bytes)
    chunks: list[ChunkPointer] = []

    def store(chunk: Chunk) -> None:
        location = work.chunk(chunk.index)
        files.write(location, chunk.to_bytes(), "application/octet-stream")
        chunks.append(ChunkPointer(index=chunk.index, location=location))

    with downloaded(step.upload) as path:
        try:
            report = split_video(path, store, SplitSettings(limits=limits), reading_ends(context))
        except VideoRejected as rejection:
            logger.info("video rejected", extra={"code": rejection.code})
            return Rejected.because(rejection.code, rejection.message).model_dump(mode="json")
        digest, size = sha256(path), path.stat().st_size

    found = report.to_dict()
    logger.info("video split", extra={"split": found})
    files.write_model(
        work.summary,
        SplitSummary(
            file_sha256=digest,
            file_bytes=size,
            frames_left_out={reason: count for reason, count in report.dropped.items() if count},
            **{name: found[name] for name in REPORTED},
            excluded=[ExcludedSpan(**span) for span in found["excluded"]],
        ),
    )
    return Chunks(chunks=chunks).model_dump(mode="json")
