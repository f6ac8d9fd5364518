"""Who waits for which inference: the task token behind every call to the asynchronous endpoint."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from functions.core.jobs import epoch_in

KEEP_DAYS = 2  # a token lives as long as its execution, which is hours at most


class ScoringCall(BaseModel):
    """One chunk on its way through the endpoint."""

    model_config = ConfigDict(frozen=True)

    inference_id: str
    token: str
    job_id: str
    chunk: int
    chunks: int
    output: str | None = None  # where the endpoint will put, or has put, its answer
    failure: str | None = None  # and where the model's reason lies if there is none


def inference_id(job_id: str, chunk: int) -> str:
    """The same for every attempt at the chunk: a late answer to an earlier attempt serves the present one."""
    return f"{job_id}.{chunk:04d}"


class ScoringCalls:
    """Kept beside the jobs, under keys no job can have."""

    def __init__(self, table: Any) -> None:
        self.table = table

    def remember(self, call: ScoringCall) -> None:
        item = call.model_dump(exclude={"job_id", "inference_id"}, exclude_none=True)
        self.table.put_item(
            Item=item | {"job_id": item_key(call.inference_id), "job": call.job_id, "expires_at": epoch_in(KEEP_DAYS)}
        )

    def find(self, inference_id: str) -> ScoringCall | None:
        item = self.table.get_item(Key={"job_id": item_key(inference_id)}, ConsistentRead=True).get("Item")
        if not item:
            return None
        fields = {key: value for key, value in item.items() if key in ScoringCall.model_fields}
        return ScoringCall(**fields | {"inference_id": inference_id, "job_id": item["job"]})


def item_key(inference_id: str) -> str:
    return f"scoring#{inference_id}"
