"""Show where: the most suspicious frames, as they were in the video, with what speaks for fake over the face."""

from __future__ import annotations

from typing import Any

import numpy as np

from functions.core import wiring
from functions.core.contracts import Stage
from functions.core.observability import logger
from functions.core.settings import VideoSettings
from functions.core.steps import VideoStep, WorkFiles
from functions.core.transient import aws_may_fail
from functions.core.workspace import downloaded
from model_src.preprocess.frames import frames_at
from model_src.preprocess.limits import Limits
from model_src.preprocess.overlay import draw_saliency
from model_src.verdict.aggregate import VideoScores
from model_src.verdict.prediction import AnomalousFrame, Prediction


@aws_may_fail
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    step, settings = VideoStep.model_validate(event), VideoSettings.load()
    logger.append_keys(job_id=step.job_id)
    wiring.jobs().advance(step.job_id, Stage.EXPLAINING)
    files, work = wiring.files(), WorkFiles.of(step.job_id, settings)
    prediction = files.read_model(work.prediction, Prediction)
    maps = {
        f.frame_id: f for f in files.read_model(work.video_scores, VideoScores).frames if f.saliency and f.transform
    }

    drawable = [frame for frame in prediction.anomalous_frames if frame.frame_id in maps]
    pictures: dict[int, str] = {}
    if drawable:
        limits = Limits(max_seconds=settings.max_video_seconds, max_bytes=settings.max_upload_bytes)
        with downloaded(step.upload) as path:
            originals = frames_at(path, [frame.timestamp for frame in drawable], limits)
        for frame, original in zip(drawable, originals, strict=True):
            found = maps[frame.frame_id]
            heat = np.asarray(found.saliency) * frame.confidence  # red only where there is something to fear
            picture = draw_saliency(original, heat, np.asarray(found.transform))
            pictures[frame.frame_id] = work.saliency(frame.frame_id)
            files.write(pictures[frame.frame_id], picture, "image/png")

    def explained(frame: AnomalousFrame) -> AnomalousFrame:
        return frame.model_copy(update={"saliency_url": pictures.get(frame.frame_id)})

    frames = [explained(frame) for frame in prediction.anomalous_frames]
    files.write_model(work.prediction, prediction.model_copy(update={"anomalous_frames": frames}))
    logger.info("verdict explained", extra={"pictures": len(pictures)})
    return {"pictures": len(pictures)}
