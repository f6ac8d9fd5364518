"""Things die in the middle: the job completes, or ends with a reason within its bound. Nothing hangs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from functions.core.contracts import JobView, Status
from functions.core.scoring_calls import ScoringCall, ScoringCalls
from infra.cli.client import ApiClient
from infra.local.stack import EmbeddedStack
from model_src.serving.default import DEFAULT_MODEL
from model_src.serving.manifest import read_verified
from model_src.verdict.scores import ChunkScores, WindowScore
from tests.media import talking_head
from tests.waiting import wait_for

Submit = Callable[[Path], str]
Finished = Callable[..., JobView]
BOUND = 150  # three attempts of 15 s with their pauses, and a busy machine


def a_chunk_is_with_the_model(stack: EmbeddedStack) -> bool:
    return bool(httpx.get(f"{stack.async_url}/ping").json()["running"])


@pytest.mark.timeout(300)
@pytest.mark.parametrize("part", ["inference", "endpoint"])
def test_a_part_killed_in_the_middle_of_a_chunk_and_started_again_still_answers(
    stack: EmbeddedStack, submit: Submit, finished: Finished, clip: Path, part: str
) -> None:
    assert '"backend":"openvino' in stack.inference.log.read_text()  # the fast one, as it is served
    job_id = submit(clip)
    wait_for(lambda: a_chunk_is_with_the_model(stack), 40)
    process = getattr(stack, part)
    process.kill()
    process.start()
    assert finished(job_id, BOUND).status is Status.COMPLETED


@pytest.mark.timeout(300)
def test_a_model_that_stays_dead_ends_the_job_with_a_reason(
    stack: EmbeddedStack, client: ApiClient, submit: Submit, finished: Finished, clip: Path
) -> None:
    stack.inference.kill()
    try:
        job = finished(submit(clip), BOUND)
    finally:
        stack.inference.start()
        stack.inference.wait_until_ready(60)
    assert job.status is Status.FAILED
    assert job.error is not None
    assert job.error.code in ("inference_failed", "inference_timeout")


@pytest.mark.timeout(300)
def test_a_video_that_two_models_scored_is_scored_again_by_the_one_in_service(
    stack: EmbeddedStack,
    client: ApiClient,
    finished: Finished,
    aws: Callable[[str], Any],
    jobs_table: Any,
    tmp_path: Path,
) -> None:
    """As on the day when a new model is put in service: the first chunk was scored just before."""
    talking_head(tmp_path / "clip.mp4", seconds=16, size=(640, 480))  # two chunks
    announced = client.announce(tmp_path / "clip.mp4")
    window = WindowScore(index=0, start=0, end=1, logit=9.0, video_logit=9.0)
    before = ChunkScores(model_version="before", trained=True, chunk_index=0, windows=[window], frames=[])
    bucket, key = stack.outputs["ArtifactsBucketName"], "endpoint/output/before.out"
    aws("s3").put_object(Bucket=bucket, Key=key, Body=before.model_dump_json().encode())
    ScoringCalls(jobs_table).remember(
        ScoringCall(token="gone", job_id=announced.job_id, chunk=0, chunks=2, output=f"s3://{bucket}/{key}")
    )
    seen: list[JobView] = []
    client.upload(announced, tmp_path / "clip.mp4")
    job = finished(announced.job_id, BOUND, seen)
    assert job.status is Status.COMPLETED, job.error
    assert job.prediction is not None
    assert job.metadata is not None
    assert job.metadata.model_version == read_verified(DEFAULT_MODEL).model_version
    assert len(job.prediction.window_confidences) == 32
    assert [view.progress for view in seen] == sorted(view.progress for view in seen)
    arn = stack.outputs["StateMachineArn"].replace(":stateMachine:", ":execution:") + f":{announced.job_id}"
    events = aws("stepfunctions").get_execution_history(executionArn=arn, maxResults=1000)["events"]
    entered = [each["stateEnteredEventDetails"]["name"] for each in events if "stateEnteredEventDetails" in each]
    assert entered.count("Aggregate") == 2


@pytest.mark.timeout(300)
def test_jobs_survive_a_restart_and_interrupted_ones_say_so(
    stack: EmbeddedStack, submit: Submit, finished: Finished, clip: Path
) -> None:
    done = finished(submit(clip))
    assert done.status is Status.COMPLETED
    interrupted = submit(clip)
    stack.stop()
    stack.start()
    client = ApiClient(stack.api_url, stack.token())
    again = client.job(done.job_id)
    assert again.status is Status.COMPLETED
    assert again.metadata == done.metadata
    job = client.follow(interrupted, lambda _: None, 60)  # closed as failed, or analysed if it had not begun
    assert job.status in (Status.FAILED, Status.COMPLETED)
    announced = client.announce(clip)
    client.upload(announced, clip)
    assert client.follow(announced.job_id, lambda _: None, 60).status is Status.COMPLETED
