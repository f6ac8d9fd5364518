"""What the template tells a function, one typed model per kind of function; read when first needed, never at import."""

from __future__ import annotations

import os
from functools import cache
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

MAX_UPLOAD_BYTES = 500 * 2**20


class Settings(BaseModel):
    """A missing or malformed variable stops the function with its name, not with a KeyError three calls later."""

    model_config = ConfigDict(frozen=True)

    @classmethod
    @cache
    def load(cls) -> Self:
        return cls.model_validate(
            {name: os.environ[name.upper()] for name in cls.model_fields if name.upper() in os.environ}
        )


class JobSettings(Settings):
    """Register and whoever follows a job: the table it stands in, and how long it stays there."""

    jobs_table: str
    job_retention_days: int = Field(default=90, ge=1)


class WorkflowSettings(Settings):
    """The state machine that StartAnalysis starts and WatchJobs looks at."""

    state_machine_arn: str


class PipelineSettings(JobSettings):
    """The steps that read and write files."""

    artifacts_bucket: str
    results_bucket: str


class VideoSettings(PipelineSettings):
    """Validate, Split and Explain, which open the video: what is accepted."""

    max_video_seconds: float = Field(default=600, gt=0)
    max_upload_bytes: int = Field(default=MAX_UPLOAD_BYTES, gt=0)


class ScoringSettings(JobSettings):
    """ScoreChunk: which endpoint, and how long a chunk may take."""

    endpoint_name: str
    scoring_timeout_seconds: int = Field(ge=1, le=3000)


class ApiSettings(JobSettings):
    """The three routes."""

    uploads_bucket: str
    max_upload_bytes: int = Field(default=MAX_UPLOAD_BYTES, gt=0)
    upload_expiry_seconds: int = Field(default=900, ge=1, le=3600)
