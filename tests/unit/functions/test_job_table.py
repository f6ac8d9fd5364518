"""What a client polls never goes backwards, and what is decided stays decided."""

from __future__ import annotations

import base64
import functools
import operator
import random
from types import SimpleNamespace

import pytest

from functions.core.contracts import PROGRESS, ErrorCode, JobError, Stage, Status
from functions.core.jobs import BadCursor, Job, epoch_in, now, timestamp
from functions.core.uploads import Upload, api_key, new_job_id


def announced(owner: str = "ada", created_at: str | None = None) -> Job:
    moment = created_at or timestamp(now())
    return Job(job_id=new_job_id(), owner=owner, created_at=moment, updated_at=moment, expires_at=epoch_in(1))


def registered(aws: SimpleNamespace) -> Job:
    job = announced()
    aws.jobs.announce(job)
    return aws.jobs.register(Upload(bucket="uploads", key=api_key(job.job_id), version="v1", size=9), 90)


def test_an_announced_job_keeps_its_owner_and_name_when_the_upload_arrives(aws: SimpleNamespace) -> None:
    job = announced().model_copy(update={"filename": "interview.mp4"})
    aws.jobs.announce(job)
    found = aws.jobs.register(Upload(bucket="uploads", key=api_key(job.job_id), version="v1"), 90)
    assert (found.owner, found.filename, found.created_at) == ("ada", "interview.mp4", job.created_at)
    assert (found.status, found.stage) == (Status.PROCESSING, Stage.QUEUED)
    assert found.expires_at > job.expires_at  # a job with an upload is kept, an empty announcement is not


def test_an_upload_nobody_announced_becomes_a_job(aws: SimpleNamespace) -> None:
    upload = Upload(bucket="uploads", key="users/bob/clip.mp4", version="v1")
    job = aws.jobs.register(upload, 90)
    assert (job.owner, job.filename, job.upload) == ("bob", "clip.mp4", upload)


def test_the_name_of_a_direct_upload_steers_nobodys_terminal(aws: SimpleNamespace) -> None:
    upload = Upload(bucket="uploads", key="users/bob/größe \x1b[2Jclip\u202e.mp4", version="v1")
    job = aws.jobs.register(upload, 90)
    assert job.filename == "größe \ufffd[2Jclip\ufffd.mp4"
    assert job.upload == upload  # what is read is the very key


def test_registering_twice_takes_nothing_back(aws: SimpleNamespace) -> None:
    job = registered(aws)
    aws.jobs.advance(job.job_id, Stage.SPLITTING)
    again = aws.jobs.register(job.upload, 90)
    assert (again.stage, again.progress) == (Stage.SPLITTING, PROGRESS[Stage.SPLITTING])


def test_progress_never_goes_back_whatever_the_order_of_reports(aws: SimpleNamespace) -> None:
    job = registered(aws)
    reports = [*(stage for stage in PROGRESS if stage not in (Stage.AWAITING_UPLOAD, Stage.DONE)), Stage.VALIDATING]
    random.Random(7).shuffle(reports)
    seen = []
    for number, stage in enumerate(reports):
        aws.jobs.advance(job.job_id, stage)
        aws.jobs.chunk_scored(job.job_id, number % 3, 3)
        seen.append(aws.jobs.get(job.job_id).progress)
    assert seen == sorted(seen)


def test_a_chunk_reported_twice_counts_once(aws: SimpleNamespace) -> None:
    job = registered(aws)
    aws.jobs.chunk_scored(job.job_id, 0, 4)
    once = aws.jobs.get(job.job_id).progress
    aws.jobs.chunk_scored(job.job_id, 0, 4)
    assert aws.jobs.get(job.job_id).progress == once
    aws.jobs.chunk_scored(job.job_id, 1, 4)
    assert aws.jobs.get(job.job_id).progress > once


def test_all_chunks_scored_is_not_yet_the_next_stage(aws: SimpleNamespace) -> None:
    job = registered(aws)
    for chunk in range(3):
        aws.jobs.chunk_scored(job.job_id, chunk, 3)
    assert aws.jobs.get(job.job_id).stage is Stage.SCORING
    aws.jobs.advance(job.job_id, Stage.AGGREGATING)
    reached = aws.jobs.get(job.job_id)
    assert (reached.stage, reached.progress) == (Stage.AGGREGATING, PROGRESS[Stage.AGGREGATING])


def test_the_first_outcome_stands_and_late_reports_do_not_reopen_a_job(aws: SimpleNamespace) -> None:
    job = registered(aws)
    first = JobError(code=ErrorCode.NO_FACE, message="No face was found.")
    assert aws.jobs.close(job.job_id, first)
    assert not aws.jobs.close(job.job_id, JobError(code=ErrorCode.INTERNAL_ERROR, message="Late."))
    aws.jobs.advance(job.job_id, Stage.EXPLAINING)
    aws.jobs.chunk_scored(job.job_id, 0, 1)
    closed = aws.jobs.get(job.job_id)
    assert (closed.status, closed.error) == (Status.FAILED, first)
    assert closed.stage is Stage.QUEUED  # where it failed


def test_closing_or_advancing_a_job_that_does_not_exist_creates_none(aws: SimpleNamespace) -> None:
    assert not aws.jobs.close("f" * 32, JobError(code=ErrorCode.INTERNAL_ERROR, message="?"))
    aws.jobs.advance("f" * 32, Stage.SCORING)
    assert aws.jobs.get("f" * 32) is None


def test_a_listing_pages_through_the_owners_own_jobs_newest_first(aws: SimpleNamespace) -> None:
    mine = [announced(created_at=f"2026-11-{day:02d}T00:00:00.000Z") for day in range(1, 8)]
    for job in [*mine, announced("eve")]:
        aws.jobs.announce(job)
    pages, cursor = [], None
    while True:
        page = aws.jobs.list("ada", 3, cursor)
        pages.append([job.job_id for job in page.jobs])
        if not (cursor := page.next_cursor):
            break
    assert [len(page) for page in pages] == [3, 3, 1]
    assert functools.reduce(operator.iadd, pages, []) == [job.job_id for job in reversed(mine)]


def test_a_cursor_never_opens_another_owners_listing(aws: SimpleNamespace) -> None:
    for day in (1, 2, 3):
        aws.jobs.announce(announced(created_at=f"2026-11-{day:02d}T00:00:00.000Z"))
    cursor = aws.jobs.list("ada", 1, None).next_cursor
    assert aws.jobs.list("eve", 5, cursor).jobs == []


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


@pytest.mark.parametrize("cursor", ["", "!", *map(encoded, ["no json", "[1,2]", "[]", '["",""]', '["9","x"]', '"a"'])])
def test_a_made_up_cursor_is_refused_not_a_crash(aws: SimpleNamespace, cursor: str) -> None:
    if cursor == "":
        assert aws.jobs.list("ada", 5, cursor).jobs == []
        return
    with pytest.raises(BadCursor):
        aws.jobs.list("ada", 5, cursor)


def test_a_job_past_its_time_is_gone_even_where_the_table_has_not_forgotten_it_yet(aws: SimpleNamespace) -> None:
    """DynamoDB deletes within days; its pictures are gone already."""
    kept, gone = announced(), announced().model_copy(update={"expires_at": epoch_in(-1)})
    for job in (kept, gone):
        aws.jobs.announce(job)
    assert aws.jobs.get(gone.job_id) is None
    assert [job.job_id for job in aws.jobs.list("ada", 20, None).jobs] == [kept.job_id]
