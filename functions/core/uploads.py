"""Which job does an uploaded object belong to? One answer, however often and in whatever order its events arrive."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

API_PREFIX = "api/"  # uploads announced by POST /analyze-video: api/{job_id}/video
USER_PREFIX = "users/"  # uploads put straight into the bucket on behalf of a user: users/{subject}/anything
API_KEY = re.compile(rf"{API_PREFIX}([0-9a-f]{{32}})/video")


class Upload(BaseModel):
    """One version of one object in the uploads bucket: enough to read exactly the bytes that were uploaded."""

    model_config = ConfigDict(frozen=True)

    bucket: str
    key: str = Field(min_length=1)
    version: str | None = None
    etag: str | None = None
    size: int = Field(default=0, ge=0)

    @classmethod
    def from_event(cls, event: dict[str, Any]) -> Upload:
        """From EventBridge's "Object Created", whose keys are plain (S3's own notifications would be URL-encoded)."""
        detail = event["detail"]
        item = detail["object"]
        return cls(
            bucket=detail["bucket"]["name"],
            key=item["key"],
            version=item.get("version-id"),
            etag=item.get("etag"),
            size=item.get("size", 0),
        )

    @property
    def job_id(self) -> str:
        """The id the API gave out, or one derived from what was uploaded: a repeated event finds the same job."""
        announced = API_KEY.fullmatch(self.key)
        if announced:
            return announced[1]
        # In a bucket without versioning, an overwritten key shows in its etag alone.
        identity = (self.bucket, self.key, self.version or self.etag or "")
        return hashlib.sha256("\n".join(identity).encode()).hexdigest()[:32]

    @property
    def owner(self) -> str | None:
        """The subject named in the key of a direct upload; who may write there is a matter of bucket permissions."""
        prefix, _, rest = self.key.partition("/")
        subject, slash, _ = rest.partition("/")
        return subject if f"{prefix}/" == USER_PREFIX and slash and subject else None

    def as_execution_input(self) -> str:
        """The same text for every delivery: Step Functions compares it to tell a repeat from a clash."""
        return json.dumps({"job_id": self.job_id, "upload": self.model_dump(exclude_none=True)}, sort_keys=True)


def new_job_id() -> str:
    return uuid.uuid4().hex


def api_key(job_id: str) -> str:
    return f"{API_PREFIX}{job_id}/video"
