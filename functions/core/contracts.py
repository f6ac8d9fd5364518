"""The words of the API: statuses, stages, error codes, and the shape of a job as its owner sees it."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from functions.core.names import harmless
from model_src.verdict.prediction import Prediction
from model_src.verdict.scores import Calibration

if TYPE_CHECKING:
    from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse

JOB_ID = "^[0-9a-f]{32}$"
JobId = Annotated[str, Field(pattern=JOB_ID)]  # it becomes the name of a folder, at the API and at its clients


class Status(StrEnum):
    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"


CLOSED = (Status.COMPLETED, Status.FAILED)


class Stage(StrEnum):
    AWAITING_UPLOAD = "awaiting_upload"
    QUEUED = "queued"
    VALIDATING = "validating"
    SPLITTING = "splitting"
    SCORING = "scoring"
    AGGREGATING = "aggregating"
    CALIBRATING = "calibrating"
    EXPLAINING = "explaining"
    DONE = "done"


# How far along a job is when a stage begins. Scoring fills the stretch up to the next stage chunk by chunk.
PROGRESS = {
    Stage.AWAITING_UPLOAD: 0.0,
    Stage.QUEUED: 0.02,
    Stage.VALIDATING: 0.05,
    Stage.SPLITTING: 0.1,
    Stage.SCORING: 0.3,
    Stage.AGGREGATING: 0.85,
    Stage.CALIBRATING: 0.88,
    Stage.EXPLAINING: 0.9,
    Stage.DONE: 1.0,
}


class ErrorCode(StrEnum):
    UNSUPPORTED_CONTAINER = "unsupported_container"
    UNSUPPORTED_CODEC = "unsupported_codec"
    CORRUPT_VIDEO = "corrupt_video"
    RESOLUTION_OUT_OF_RANGE = "resolution_out_of_range"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    TOO_LARGE = "too_large"
    NO_VIDEO_STREAM = "no_video_stream"
    NO_FACE = "no_face"
    MULTIPLE_FACES = "multiple_faces"
    TOO_FEW_USABLE_FRAMES = "too_few_usable_frames"
    INFERENCE_FAILED = "inference_failed"
    INFERENCE_TIMEOUT = "inference_timeout"
    INTERNAL_ERROR = "internal_error"


# What a person reads when the fault is ours; a rejected video brings its own sentence.
OUR_FAULT = {
    ErrorCode.INFERENCE_FAILED: "The model could not score this video. Please submit it again.",
    ErrorCode.INFERENCE_TIMEOUT: "The model did not answer in time. Please submit the video again later.",
    ErrorCode.INTERNAL_ERROR: "Something went wrong on our side. Please submit the video again.",
}


class Contract(BaseModel):
    """What it does not know it passes over, since a later version may have written it. Requests are stricter."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class JobError(Contract):
    """Why a job failed: a stable code for programs and a sentence for people. Never a traceback."""

    code: ErrorCode
    message: str = Field(min_length=1)


class ExcludedSpan(Contract):
    """Seconds the analysis had to leave out, and why (no face, several faces, …)."""

    reason: str
    start: float
    end: float


class Footage(Contract):
    """What was analysed: enough to tell whether a verdict is about the file at hand. None: an older version's."""

    file_sha256: str | None = Field(default=None, description="of the uploaded file")
    file_bytes: int | None = None
    width: int | None = Field(default=None, description="of the video as it is displayed, as the height")
    height: int | None = None
    picture_starts: float | None = Field(
        default=None,
        description="seconds of sound before the first picture, a codec's lead-in of some hundredths included: they "
        "are not judged, and all times count from the first picture; 0: the picture begins first, or there is no sound",
    )
    frame_rate: float | None = Field(default=None, description="frames looked at in a second, not those of the video")
    frames_sampled: int | None = None
    frames_analyzed: int = Field(ge=0)
    frames_left_out: dict[str, int] = Field(default_factory=dict, description="how many, and why")
    excluded: list[ExcludedSpan] = Field(default_factory=list)


class Metadata(Footage):
    """What was analysed, and how the verdict was made."""

    processing_time_sec: float = Field(ge=0)
    video_duration_sec: float = Field(ge=0)
    model_version: str
    trained: bool = Field(description="false: the weights were never trained and the verdict means nothing")
    weights_sha256: list[str] = Field(
        default_factory=list,
        description="of the weights file (model.safetensors) of each model that was asked; empty: not known",
    )
    calibration: Calibration | None = Field(
        default=None, description="how the models' log-odds became these probabilities: sigmoid(scale * logit + bias)"
    )


class Result(Contract):
    """What Complete stores when a job ends well."""

    prediction: Prediction
    metadata: Metadata


class JobView(Contract):
    """GET /jobs/{job_id}: a job as its owner sees it."""

    job_id: JobId
    status: Status
    stage: Stage
    progress: float = Field(ge=0, le=1)
    created_at: str
    updated_at: str
    completed_at: str | None = None
    filename: str | None = None
    prediction: Prediction | None = None
    metadata: Metadata | None = None
    error: JobError | None = None


class JobList(Contract):
    """GET /jobs: one page of the caller's own jobs, newest first."""

    jobs: list[JobView]
    next_cursor: str | None = Field(default=None, description="pass it as ?cursor= to get the next page")


class UploadForm(Contract):
    """A presigned POST: send these fields, then the file, as multipart/form-data to the url."""

    url: str
    fields: dict[str, str]


class AnalyzeVideoRequest(Contract):
    """What the client wants to upload. Everything has a default: an empty body asks for an MP4."""

    model_config = ConfigDict(extra="forbid")

    filename: Annotated[str, AfterValidator(harmless)] = Field(
        default="video.mp4", min_length=1, max_length=200, description="shown back in job listings"
    )
    content_type: str = Field(default="video/mp4", pattern=r"^video/(mp4|quicktime|x-msvideo|webm|x-matroska)$")


class AnalyzeVideoResponse(Contract):
    """202: where to upload, and where to ask how it goes."""

    job_id: JobId
    status: Status
    status_url: str
    upload: UploadForm
    expires_at: str


class Problem(BaseModel):
    """Every refusal but a malformed request's: what was wrong, as a sentence."""

    message: str
    status_code: int | None = Field(
        default=None, alias="statusCode", description="missing where API Gateway itself refuses"
    )


def answer(description: str, model: type[BaseModel]) -> OpenAPIResponse:
    """A route's answer as its published description tells it."""
    return {"description": description, "content": {"application/json": {"model": model}}}
