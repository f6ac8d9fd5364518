"""A job: one video on its way from upload to verdict, and the store that remembers it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Protocol

from pydantic import BaseModel, ConfigDict

from functions.core.contracts import PROGRESS, JobError, JobView, Result, Stage, Status
from functions.core.uploads import Upload

LAST_STEP = 0.01  # kept free of scoring's share of the progress, so that Aggregate always moves it on


def now() -> datetime:
    return datetime.now(UTC)


def timestamp(moment: datetime) -> str:
    """ISO 8601 in UTC with milliseconds: sorts as text in the order of time."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds_since(job: Job | None) -> float:
    """How long the job has been worked on."""
    if job is None or job.started_at is None:
        return 0.0
    return round((now() - datetime.fromisoformat(job.started_at)).total_seconds(), 3)


def epoch_in(days: float) -> int:
    """When DynamoDB's TTL may forget an item."""
    return int((now() + timedelta(days=days)).timestamp())


class Job(BaseModel):
    """The record behind the status route.

    Owner None: uploaded straight into the bucket and not under users/, seen by operators only.
    """

    model_config = ConfigDict(frozen=True)

    job_id: str
    owner: str | None = None
    status: Status = Status.PENDING
    stage: Stage = Stage.AWAITING_UPLOAD
    progress: float = 0.0
    created_at: str
    started_at: str | None = None  # when the upload arrived: waiting for the client is not processing
    updated_at: str
    completed_at: str | None = None
    filename: str | None = None
    upload: Upload | None = None
    result: Result | None = None
    error: JobError | None = None
    expires_at: int

    def view(self) -> JobView:
        shared = {name: getattr(self, name) for name in JobView.model_fields if name in Job.model_fields}
        if self.result:
            shared |= {"prediction": self.result.prediction, "metadata": self.result.metadata}
        return JobView(**shared)


class Page(NamedTuple):
    jobs: list[Job]
    next_cursor: str | None


class BadCursor(ValueError):
    """A page was asked for with a cursor that this store never gave out."""


class JobStore(Protocol):
    """What the functions need to remember. Every call may be repeated, late or out of order without harm."""

    def announce(self, job: Job) -> None:
        """A client asked to upload a video."""

    def register(self, upload: Upload, retention_days: int) -> Job:
        """The upload arrived. Creates the job when nobody announced it."""

    def advance(self, job_id: str, stage: Stage, progress: float | None = None) -> None:
        """A stage began, or moved on. Never takes a job backwards, never reopens a closed one."""

    def chunk_scored(self, job_id: str, chunk: int, chunks: int) -> None:
        """One of the chunks is scored; the same chunk reported twice counts once."""

    def close(self, job_id: str, outcome: Result | JobError) -> bool:
        """The first outcome stands: False when the job was closed before."""

    def get(self, job_id: str) -> Job | None: ...

    def list(self, owner: str, limit: int, cursor: str | None) -> Page:
        """The owner's jobs, newest first."""


def scoring_progress(scored: int, chunks: int) -> float:
    """Scoring fills the stretch between its own start and the start of the next stage, which is not its own."""
    begin, end = PROGRESS[Stage.SCORING], PROGRESS[Stage.AGGREGATING] - LAST_STEP
    return round(begin + (end - begin) * min(scored, chunks) / max(chunks, 1), 4)
