"""What travels through the state machine: small pointers from step to step, never the data itself."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from functions.core.contracts import ErrorCode, Footage, JobError
from functions.core.files import locate
from functions.core.settings import PipelineSettings
from functions.core.uploads import Upload


class Pointer(BaseModel):
    model_config = ConfigDict(frozen=True)


class JobStep(Pointer):
    """The input of every step that needs no more than the job."""

    job_id: str


class VideoStep(JobStep):
    """The input of the steps that open the video itself."""

    upload: Upload


class ChunkPointer(Pointer):
    """One chunk file; the index is its place in the video."""

    index: int
    location: str


class SplitSummary(Footage):
    """What Split found, for the result's metadata."""

    duration: float


class Accepted(Pointer):
    accepted: Literal[True] = True


class Rejected(Pointer):
    """A video that cannot be analysed is an answer, not an exception: the machine chooses by `accepted`."""

    accepted: Literal[False] = False
    error: JobError

    @classmethod
    def because(cls, code: str, message: str) -> Rejected:
        return cls(error=JobError(code=ErrorCode(code), message=message))


class Chunks(Accepted):
    """Split's answer: the chunks to score."""

    chunks: list[ChunkPointer]


class WorkFiles:
    """The names of a job's files, in one place. Artifacts die after a day, results after JobRetentionDays."""

    def __init__(self, job_id: str, artifacts_bucket: str, results_bucket: str) -> None:
        self.job_id, self.artifacts, self.results = job_id, artifacts_bucket, results_bucket

    @classmethod
    def of(cls, job_id: str, settings: PipelineSettings) -> WorkFiles:
        return cls(job_id, settings.artifacts_bucket, settings.results_bucket)

    def chunk(self, index: int) -> str:
        return locate(self.artifacts, f"{self.job_id}/chunks/{index:04d}.chunk")

    @property
    def summary(self) -> str:
        return locate(self.artifacts, f"{self.job_id}/summary.json")

    @property
    def video_scores(self) -> str:
        return locate(self.artifacts, f"{self.job_id}/video_scores.json")

    @property
    def prediction(self) -> str:
        return locate(self.artifacts, f"{self.job_id}/prediction.json")

    @property
    def frame_confidences(self) -> str:
        return locate(self.results, f"{self.job_id}/frame_confidences.json")

    @property
    def result(self) -> str:
        return locate(self.results, f"{self.job_id}/result.json")

    def saliency(self, frame_id: int) -> str:
        return locate(self.results, f"{self.job_id}/saliency/frame_{frame_id:06d}.png")
