"""Who waits for which inference: the task token behind every call to the asynchronous endpoint."""

from __future__ import annotations

import hashlib
from typing import Any

from pydantic import BaseModel, ConfigDict

from functions.core.jobs import epoch_in

KEEP_DAYS = 2  # a token lives as long as its execution, which is hours at most


class ScoringCall(BaseModel):
    """One chunk on its way through the endpoint."""

    model_config = ConfigDict(frozen=True)

    token: str
    job_id: str
    chunk: int
    chunks: int
    round: int = 1  # the video is scored again where two models made the scores of a round
    output: str | None = None  # where the endpoint will put, or has put, its answer
    failure: str | None = None  # and where the model's reason lies if there is none

    @property
    def inference_id(self) -> str:
        """Names the attempt, too: the late failure of an earlier one is nothing to the present one."""
        attempt = hashlib.sha256(self.token.encode()).hexdigest()[:8]
        return f"{self.job_id}.{self.chunk:04d}.{attempt}" + (f".{self.round}" if self.round > 1 else "")


class ScoringCalls:
    """Kept beside the jobs, under keys no job can have."""

    def __init__(self, table: Any) -> None:
        self.table = table

    def remember(self, call: ScoringCall) -> None:
        item = call.model_dump(exclude={"job_id"}, exclude_none=True)
        key = item_key(call.job_id, call.chunk)
        self.table.put_item(Item=item | {"job_id": key, "job": call.job_id, "expires_at": epoch_in(KEEP_DAYS)})

    def find(self, job_id: str, chunk: int) -> ScoringCall | None:
        """The latest attempt at the chunk."""
        item = self.table.get_item(Key={"job_id": item_key(job_id, chunk)}, ConsistentRead=True).get("Item")
        if not item:
            return None
        fields = {key: value for key, value in item.items() if key in ScoringCall.model_fields}
        return ScoringCall(**fields | {"job_id": item["job"]})

    def behind(self, inference_id: str) -> ScoringCall | None:
        """The latest attempt at the chunk that an attempt, maybe an earlier one, was made at."""
        match inference_id.split("."):
            case [job_id, chunk, _, *_] if chunk.isdecimal():
                return self.find(job_id, int(chunk))
        return None


def item_key(job_id: str, chunk: int) -> str:
    return f"scoring#{job_id}.{chunk:04d}"


def round_of(inference_id: str) -> int:
    match inference_id.split("."):
        case [_, _, _, number] if number.isdecimal():
            return int(number)
    return 1
