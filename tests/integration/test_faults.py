"""Things die in the middle: the job completes, or ends with a reason within its bound. Nothing hangs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from functions.core.contracts import JobView, Stage, Status
from infra.cli.client import ApiClient
from infra.local.stack import EmbeddedStack, wait_for

Submit = Callable[[Path], str]
Finished = Callable[..., JobView]
BOUND = 150  # three attempts of 15 s with their pauses, and a busy machine


def reaches(client: ApiClient, job_id: str, stage: Stage) -> bool:
    return wait_for(lambda: client.job(job_id).stage is stage, 40, every=0.05)


@pytest.mark.timeout(300)
def test_a_model_killed_during_scoring_and_started_again_still_answers(
    stack: EmbeddedStack, client: ApiClient, submit: Submit, finished: Finished, clip: Path
) -> None:
    job_id = submit(clip)
    assert reaches(client, job_id, Stage.SCORING)
    stack.inference.kill()
    stack.inference.start()
    assert finished(job_id, BOUND).status is Status.COMPLETED


@pytest.mark.timeout(300)
def test_an_endpoint_killed_during_scoring_and_started_again_still_answers(
    stack: EmbeddedStack, client: ApiClient, submit: Submit, finished: Finished, clip: Path
) -> None:
    assert stack.endpoint is not None
    job_id = submit(clip)
    assert reaches(client, job_id, Stage.SCORING)
    stack.endpoint.kill()
    stack.endpoint.start()
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
