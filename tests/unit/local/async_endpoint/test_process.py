"""The endpoint as a process: killed, stopped, started again."""

from __future__ import annotations

import signal
from contextlib import ExitStack

import httpx

from infra.local.async_endpoint.journal import Journal
from infra.local.async_endpoint.settings import Settings
from tests.unit.local.async_endpoint.world import Aws, FakeModel, invoke, process
from tests.waiting import wait_for


def test_requests_accepted_before_kill_9_are_answered_after_a_restart(
    settings: Settings, aws: Aws, model: FakeModel
) -> None:
    model.hold.clear()
    location = aws.put(b"chunk")
    with model.serving():
        with process(settings) as (child, url):
            client = aws.client("sagemaker-runtime", url)
            for number in range(4):  # two with the model, two waiting
                invoke(client, location, inference_id=f"chunk-{number}")
            wait_for(lambda: model.busy == 2)
            child.send_signal(signal.SIGKILL)
            child.wait()
        model.hold.set()
        with process(settings):
            answered = {aws.notice(aws.succeeded)["inferenceId"] for _ in range(4)}
            # A notice is out a moment before its entry is gone: the process must live to take it away.
            wait_for(lambda: Journal(settings.state_dir / "invocations").pending() == [])
    assert answered == {f"chunk-{number}" for number in range(4)}


def test_sigterm_stops_the_endpoint_at_once_and_loses_nothing(settings: Settings, aws: Aws, model: FakeModel) -> None:
    model.hold.clear()
    with ExitStack() as stack:
        stack.enter_context(model.serving())
        child, url = stack.enter_context(process(settings))
        invoke(aws.client("sagemaker-runtime", url), aws.put(b"chunk"))
        wait_for(lambda: model.busy == 1)
        child.terminate()
        child.wait(timeout=5)
    assert [waiting.inference_id for waiting in Journal(settings.state_dir / "invocations").pending()] == ["chunk-1"]


def test_a_web_page_of_elsewhere_hands_it_no_work(settings: Settings) -> None:
    with process(settings) as (_, url):
        address = f"{url}/endpoints/{settings.endpoint_name}/async-invocations"
        headers = {"Origin": "https://evil.example", "X-Amzn-SageMaker-InputLocation": "s3://bucket/key"}
        assert httpx.post(address, headers=headers, trust_env=False).status_code == 403
    assert Journal(settings.state_dir / "invocations").pending() == []
