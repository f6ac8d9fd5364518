"""The hand-over to the endpoint and back: no answer is lost, none is waited for in vain."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from functions import resume_scoring, score_chunk
from functions.core import wiring
from functions.core.scoring_calls import ScoringCall
from functions.core.uploads import Upload
from tests.unit.functions.conftest import forget_clients

Example = Callable[[str], dict[str, Any]]
OUTPUT = "s3://artifacts/endpoint/output/a1b2.out"
FAILURE = "s3://artifacts/endpoint/failure/a1b2-error.out"


class Endpoint:
    """SageMaker's runtime as ScoreChunk sees it, with a fault to throw if asked."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.fault, self.calls = fault, []  # type: tuple[Exception | None, list[dict[str, Any]]]
        self.token_at_call: str | None = None

    def invoke_endpoint_async(self, **arguments: Any) -> dict[str, str]:
        remembered = wiring.scoring_calls().behind(arguments["InferenceId"])
        self.token_at_call = remembered.token if remembered else None
        self.calls.append(arguments)
        if self.fault:
            raise self.fault
        return {"InferenceId": arguments["InferenceId"], "OutputLocation": OUTPUT, "FailureLocation": FAILURE}


class Workflow:
    """Step Functions as the functions see it: remembers what it was told."""

    class exceptions:  # noqa: N801 - boto3's own spelling
        ClientError = ClientError

    def __init__(self, gone: str | None = None) -> None:
        self.gone, self.told = gone, []  # type: tuple[str | None, list[tuple[str, dict[str, Any]]]]

    def _tell(self, what: str, arguments: dict[str, Any]) -> None:
        if self.gone:
            raise ClientError({"Error": {"Code": self.gone, "Message": "gone"}}, what)
        self.told.append((what, arguments))

    def send_task_success(self, **arguments: Any) -> None:
        self._tell("success", arguments)

    def send_task_failure(self, **arguments: Any) -> None:
        self._tell("failure", arguments)


@pytest.fixture
def parts(aws: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    found = SimpleNamespace(**vars(aws), endpoint=Endpoint(), workflow=Workflow())
    real = wiring.client

    def client(service: str) -> Any:
        return {"sagemaker-runtime": found.endpoint, "stepfunctions": found.workflow}.get(service) or real(service)

    monkeypatch.setattr(wiring, "client", client)
    return found


def hand_over(parts: SimpleNamespace, event: dict[str, Any], context: Any) -> None:
    """The first attempt at a chunk of a job that is known."""
    parts.jobs.register(Upload(bucket="uploads", key=f"api/{event['job_id']}/video", version="v1"), 90)
    score_chunk.handler(event, context)


def test_the_token_is_kept_before_the_endpoint_is_called(
    parts: SimpleNamespace, example: Example, context: Any
) -> None:
    event = example("score_chunk")
    score_chunk.handler(event, context)
    assert parts.endpoint.token_at_call == event["token"]
    assert parts.endpoint.calls[0]["InputLocation"] == event["chunk"]["location"]
    assert parts.workflow.told == []  # the answer comes later, from the endpoint's notice


def test_a_fault_of_the_endpoint_reaches_the_workflow_instead_of_hanging_it(
    parts: SimpleNamespace, example: Example, context: Any
) -> None:
    parts.endpoint.fault = ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow down"}}, "Invoke")
    score_chunk.handler(example("score_chunk"), context)
    [(what, arguments)] = parts.workflow.told
    assert what == "failure"
    assert arguments["error"] == "InferenceFailed"  # the name that the state machine retries


def test_a_retry_takes_the_answer_that_came_too_late(parts: SimpleNamespace, example: Example, context: Any) -> None:
    event = example("score_chunk")
    hand_over(parts, event, context)
    parts.files.write(OUTPUT, b"{}", "application/json")
    retry = event | {"token": "second-token"}
    score_chunk.handler(retry, context)
    assert len(parts.endpoint.calls) == 1
    [(what, arguments)] = parts.workflow.told
    assert (what, arguments["taskToken"]) == ("success", "second-token")


def test_a_retry_without_an_answer_asks_again(parts: SimpleNamespace, example: Example, context: Any) -> None:
    event = example("score_chunk")
    score_chunk.handler(event, context)
    score_chunk.handler(event | {"token": "second-token"}, context)
    assert len(parts.endpoint.calls) == 2
    assert parts.endpoint.token_at_call == "second-token"


def test_a_notice_wakes_the_workflow_and_moves_the_progress(
    parts: SimpleNamespace, example: Example, context: Any
) -> None:
    event = example("score_chunk")
    hand_over(parts, event, context)
    before = parts.jobs.get(event["job_id"]).progress
    resume_scoring.handler(example("resume_scoring"), context)
    [(what, arguments)] = parts.workflow.told
    assert (what, arguments["taskToken"]) == ("success", event["token"])
    assert json.loads(arguments["output"]) == {"index": 0, "location": OUTPUT}
    assert parts.jobs.get(event["job_id"]).progress > before


def notice(example: Example, **changes: Any) -> dict[str, Any]:
    """The example's notice with some of it changed; None takes a field away."""
    event = example("resume_scoring")
    told = json.loads(event["Records"][0]["Sns"]["Message"]) | changes
    kept = {name: value for name, value in told.items() if value is not None}
    event["Records"][0]["Sns"]["Message"] = json.dumps(kept)
    return event


def failed(example: Example) -> dict[str, Any]:
    return notice(example, invocationStatus="Failed", failureReason="The model stopped.", responseParameters=None)


def test_the_late_failure_of_an_earlier_attempt_leaves_the_present_one_alone(
    parts: SimpleNamespace, example: Example, context: Any
) -> None:
    event = example("score_chunk")
    score_chunk.handler(event, context)
    score_chunk.handler(event | {"token": "second-token"}, context)
    resume_scoring.handler(failed(example), context)
    assert parts.workflow.told == []


def test_the_late_answer_to_an_earlier_attempt_serves_the_present_one(
    parts: SimpleNamespace, example: Example, context: Any
) -> None:
    event = example("score_chunk")
    hand_over(parts, event, context)
    score_chunk.handler(event | {"token": "second-token"}, context)
    resume_scoring.handler(example("resume_scoring"), context)
    [(what, arguments)] = parts.workflow.told
    assert (what, arguments["taskToken"]) == ("success", "second-token")


def test_scored_again_a_chunk_takes_no_answer_of_the_model_before(
    parts: SimpleNamespace, example: Example, context: Any
) -> None:
    event = example("score_chunk")
    hand_over(parts, event, context)
    parts.files.write(OUTPUT, b"{}", "application/json")
    again = event | {"token": "second-token", "round": 2}
    score_chunk.handler(again, context)
    resume_scoring.handler(example("resume_scoring"), context)  # the answer of the first round, told once more
    assert parts.workflow.told == []
    assert len(parts.endpoint.calls) == 2
    score_chunk.handler(again | {"token": "third-token"}, context)  # a retry within the round takes the round's answer
    [(what, arguments)] = parts.workflow.told
    assert (what, arguments["taskToken"]) == ("success", "third-token")


def test_the_answer_of_the_second_round_wakes_the_workflow(
    parts: SimpleNamespace, example: Example, context: Any
) -> None:
    event = example("score_chunk") | {"round": 2}
    hand_over(parts, event, context)
    resume_scoring.handler(notice(example, inferenceId=parts.endpoint.calls[0]["InferenceId"]), context)
    assert [what for what, _ in parts.workflow.told] == ["success"]


def test_an_inference_that_is_not_ours_is_no_error(parts: SimpleNamespace, example: Example, context: Any) -> None:
    resume_scoring.handler(notice(example, inferenceId="a-hand-made-one"), context)
    assert parts.workflow.told == []


@pytest.mark.parametrize("answered", [False, True], ids=["the model is gone", "the model said why"])
def test_a_notice_of_failure_fails_the_task_with_the_reason(
    parts: SimpleNamespace, example: Example, context: Any, answered: bool
) -> None:
    score_chunk.handler(example("score_chunk"), context)
    if answered:
        parts.files.write(FAILURE, b'{"error": {"code": "bad_arrays"}}', "application/json")
    resume_scoring.handler(failed(example), context)
    [(what, arguments)] = parts.workflow.told
    cause = "The model stopped." + (' {"error": {"code": "bad_arrays"}}' if answered else "")
    assert (what, arguments["error"], arguments["cause"]) == ("failure", "InferenceFailed", cause)


def test_a_notice_nobody_waits_for_is_no_error(parts: SimpleNamespace, example: Example, context: Any) -> None:
    resume_scoring.handler(example("resume_scoring"), context)
    assert parts.workflow.told == []


@pytest.mark.parametrize("gone", ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"])
def test_a_token_whose_workflow_has_moved_on_is_no_error(
    parts: SimpleNamespace, example: Example, context: Any, gone: str
) -> None:
    event = example("score_chunk")
    hand_over(parts, event, context)
    parts.workflow.gone = gone
    resume_scoring.handler(example("resume_scoring"), context)


def test_a_throttled_workflow_is_an_error_that_sns_retries(
    parts: SimpleNamespace, example: Example, context: Any
) -> None:
    event = example("score_chunk")
    hand_over(parts, event, context)
    parts.workflow.gone = "ThrottlingException"
    with pytest.raises(ClientError):
        resume_scoring.handler(example("resume_scoring"), context)


def test_inference_ids_fit_what_sagemaker_takes() -> None:
    call = ScoringCall(token="t" * 1000, job_id="f" * 32, chunk=9999, chunks=10_000, round=2)
    assert len(call.inference_id) <= 64


def test_a_token_is_forgotten_when_no_execution_can_wait_for_it(
    parts: SimpleNamespace, example: Example, context: Any
) -> None:
    score_chunk.handler(example("score_chunk"), context)
    [item] = parts.table.scan()["Items"]
    assert 86_400 < int(item["expires_at"]) - time.time() < 3 * 86_400


def test_the_endpoint_is_told_how_long_anybody_waits(
    parts: SimpleNamespace, example: Example, context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seconds, kept in (("15", 60), ("900", 900)):  # SageMaker takes no request that lives less than a minute
        monkeypatch.setenv("SCORING_TIMEOUT_SECONDS", seconds)
        forget_clients()
        score_chunk.handler(example("score_chunk"), context)
        told = parts.endpoint.calls[-1]
        assert (told["InvocationTimeoutSeconds"], told["RequestTTLSeconds"]) == (int(seconds), kept)


def test_a_failure_file_that_is_no_text_still_fails_the_task(
    parts: SimpleNamespace, example: Example, context: Any
) -> None:
    score_chunk.handler(example("score_chunk"), context)
    parts.files.write(FAILURE, b"\xff\x00 no text", "application/octet-stream")
    resume_scoring.handler(failed(example), context)
    assert [what for what, _ in parts.workflow.told] == ["failure"]
