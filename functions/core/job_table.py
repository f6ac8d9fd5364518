"""The job store in DynamoDB: one item per job, every rule a condition of the write itself."""

from __future__ import annotations

import base64
import binascii
import json
from decimal import Decimal
from typing import Annotated, Any

from boto3.dynamodb.conditions import Attr, Key
from botocore.exceptions import ClientError
from pydantic import BaseModel, Field, TypeAdapter

from functions.core.contracts import CLOSED, PROGRESS, JobError, JobId, Result, Stage, Status
from functions.core.jobs import BadCursor, Job, Page, epoch_in, now, scoring_progress, timestamp
from functions.core.names import harmless
from functions.core.observability import logger
from functions.core.uploads import Upload

OWNER_INDEX = "by_owner"
# Nested models are kept as JSON text: no float ever meets DynamoDB's number type, and nothing queries inside them.
AS_JSON = ("upload", "result", "error")
CURSOR: TypeAdapter[tuple[str, str]] = TypeAdapter(
    tuple[
        Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")],  # created_at
        JobId,
    ]
)
OPEN = "attribute_exists(job_id) AND NOT #status IN (:completed, :failed)"


class JobTable:
    def __init__(self, table: Any) -> None:
        self.table = table

    def announce(self, job: Job) -> None:
        self.table.put_item(
            Item=encode(job.model_dump(mode="json")), ConditionExpression="attribute_not_exists(job_id)"
        )

    def register(self, upload: Upload, retention_days: int) -> Job:
        moment = timestamp(now())
        values = {
            "upload": upload,
            "status": Status.PROCESSING,
            "stage": Stage.QUEUED,
            "progress": PROGRESS[Stage.QUEUED],
            "started_at": moment,
            "updated_at": moment,
            "expires_at": epoch_in(retention_days),
        }
        # What an announced job knows already (its owner, the client's own file name) stands.
        keep = {"created_at": moment, "owner": upload.owner, "filename": harmless(upload.key.rsplit("/", 1)[-1])}
        self._update(upload.job_id, "attribute_not_exists(#upload)", values, keep)
        job = self.get(upload.job_id)
        if job is None:
            raise LookupError(f"job {upload.job_id} vanished while it was being registered")
        return job

    def advance(self, job_id: str, stage: Stage, progress: float | None = None) -> None:
        reached = PROGRESS[stage] if progress is None else progress
        values = {"status": Status.PROCESSING, "stage": stage, "progress": reached, "updated_at": timestamp(now())}
        if not self._update(job_id, f"{OPEN} AND #progress < :progress", values):
            logger.debug("job is further along already", extra={"job_id": job_id, "stage": stage})

    def chunk_scored(self, job_id: str, chunk: int, chunks: int) -> None:
        try:
            answer = self.table.update_item(
                Key={"job_id": job_id},
                UpdateExpression="ADD scored_chunks :chunk",
                ConditionExpression=OPEN,
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={":chunk": {chunk}, **CLOSED_VALUES},
                ReturnValues="ALL_NEW",
            )
        except ClientError as error:
            if not refused(error):
                raise
            return  # a late notice about a job that has already been closed
        scored = len(answer["Attributes"]["scored_chunks"])
        self.advance(job_id, Stage.SCORING, scoring_progress(scored, chunks))

    def close(self, job_id: str, outcome: Result | JobError) -> bool:
        moment = timestamp(now())
        values: dict[str, Any] = {"updated_at": moment, "completed_at": moment}
        if isinstance(outcome, Result):
            values |= {"status": Status.COMPLETED, "stage": Stage.DONE, "progress": 1.0, "result": outcome}
        else:  # a failed job keeps the stage and progress it had reached: that is where it failed
            values |= {"status": Status.FAILED, "error": outcome}
        return self._update(job_id, OPEN, values)

    def get(self, job_id: str) -> Job | None:
        item = self.table.get_item(Key={"job_id": job_id}, ConsistentRead=True).get("Item")
        return decode(item) if item and item["expires_at"] > epoch_in(days=0) else None

    def list(self, owner: str, limit: int, cursor: str | None) -> Page:
        query: dict[str, Any] = {
            "IndexName": OWNER_INDEX,
            "KeyConditionExpression": Key("owner").eq(owner),
            "FilterExpression": Attr("expires_at").gt(epoch_in(days=0)),  # DynamoDB takes its time to forget
            "ScanIndexForward": False,
            "Limit": limit,
        }
        if cursor:
            query["ExclusiveStartKey"] = read_cursor(cursor, owner)
        answer = self.table.query(**query)
        last = answer.get("LastEvaluatedKey")
        return Page([decode(item) for item in answer["Items"]], write_cursor(last) if last else None)

    def _update(self, job_id: str, condition: str, values: dict[str, Any], keep: dict[str, Any] | None = None) -> bool:
        """Write the values, and those to keep where the item has none yet, if the condition holds; else False."""
        values, keep = encode(values), encode(keep or {})
        sets = [f"#{name} = :{name}" for name in values]
        sets += [f"#{name} = if_not_exists(#{name}, :{name})" for name in keep]
        names = {*values, *keep, *(["status"] if "#status" in condition else [])}
        try:
            self.table.update_item(
                Key={"job_id": job_id},
                UpdateExpression="SET " + ", ".join(sets),
                ConditionExpression=condition,
                ExpressionAttributeNames={f"#{name}": name for name in names},
                ExpressionAttributeValues={f":{name}": value for name, value in (values | keep).items()}
                | (CLOSED_VALUES if ":completed" in condition else {}),
            )
        except ClientError as error:
            if not refused(error):
                raise
            return False
        return True


CLOSED_VALUES = {f":{status.value}": status.value for status in CLOSED}


def refused(error: ClientError) -> bool:
    return bool(error.response["Error"]["Code"] == "ConditionalCheckFailedException")


def encode(values: dict[str, Any]) -> dict[str, Any]:
    """The one codec to DynamoDB: models to JSON text, floats to decimals, nothing stored for None."""

    def attribute(name: str, value: Any) -> Any:
        if isinstance(value, BaseModel):
            return value.model_dump_json()
        if name in AS_JSON:
            return json.dumps(value)
        return Decimal(str(value)) if isinstance(value, float) else value

    return {name: attribute(name, value) for name, value in values.items() if value is not None}


def decode(item: dict[str, Any]) -> Job:
    """The way back; attributes that only the table needs (scored_chunks) are left behind."""
    known = {name: value for name, value in item.items() if name in Job.model_fields}
    return Job.model_validate(known | {name: json.loads(known[name]) for name in AS_JSON if name in known})


def write_cursor(key: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps([key["created_at"], key["job_id"]]).encode()).decode()


def read_cursor(cursor: str, owner: str) -> dict[str, str]:
    """The owner comes from the token, never from the cursor: nobody pages through another owner's jobs."""
    try:
        created_at, job_id = CURSOR.validate_json(base64.urlsafe_b64decode(cursor.encode()))
    except (ValueError, binascii.Error) as error:
        raise BadCursor("The cursor is not one that this API gave out.") from error
    return {"owner": owner, "created_at": created_at, "job_id": job_id}
