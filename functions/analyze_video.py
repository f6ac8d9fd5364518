"""POST /analyze-video: a new job, and a form to upload its video with."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Body

from functions.core import wiring
from functions.core.caller import owner_of
from functions.core.contracts import AnalyzeVideoRequest, AnalyzeVideoResponse, Problem, Status, UploadForm, answer
from functions.core.files import locate
from functions.core.jobs import Job, epoch_in, now, timestamp
from functions.core.settings import ApiSettings
from functions.core.uploads import api_key, new_job_id

router = Router()
FORGET_UNUSED_AFTER_DAYS = 1


@router.post(
    "/analyze-video",
    status_code=202,
    summary="Announce a video and get a form to upload it with",
    responses={
        202: answer("The form", AnalyzeVideoResponse),
        400: answer("A body nested too deeply, or with a number of too many digits", Problem),
    },
)
def analyze_video(request: Annotated[AnalyzeVideoRequest | None, Body()] = None) -> Response[AnalyzeVideoResponse]:
    request = request or AnalyzeVideoRequest()
    settings, job_id, moment = ApiSettings.load(), new_job_id(), now()
    form = wiring.files().upload_form(
        locate(settings.uploads_bucket, api_key(job_id)),
        request.content_type,
        settings.max_upload_bytes,
        settings.upload_expiry_seconds,
    )
    wiring.jobs().announce(
        Job(
            job_id=job_id,
            owner=owner_of(router),
            filename=request.filename,
            created_at=timestamp(moment),
            updated_at=timestamp(moment),
            expires_at=epoch_in(FORGET_UNUSED_AFTER_DAYS),
        )
    )
    announced = AnalyzeVideoResponse(
        job_id=job_id,
        status=Status.PENDING,
        status_url=f"/jobs/{job_id}",
        upload=UploadForm(**form),
        expires_at=timestamp(moment + timedelta(seconds=settings.upload_expiry_seconds)),
    )
    return Response(status_code=202, content_type="application/json", body=announced)
