"""The local asynchronous endpoint, spoken to as the functions do: boto3 on one side, S3 and SNS on the other."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.local.async_endpoint.invocation import from_headers
from infra.local.async_endpoint.journal import Journal
from infra.local.async_endpoint.settings import Location, Settings
from tests.unit.local.async_endpoint.world import ENDPOINT, Aws, FakeModel, invoke, running
from tests.waiting import wait_for


def test_a_chunk_put_in_comes_back_as_a_result_object_and_a_success_notice(
    endpoint: Any, aws: Aws, model: FakeModel
) -> None:
    location = aws.put(b"chunk bytes")
    with model.serving():
        accepted = invoke(endpoint, location, ContentType="application/x-aura-chunk")
        notice = aws.notice(aws.succeeded)

    assert accepted["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert accepted["InferenceId"] == "chunk-1"
    assert aws.read(accepted["OutputLocation"]) == {"echo": "chunk bytes"}
    assert notice.pop("eventTime") >= notice.pop("receivedTime")
    assert notice == {
        "awsRegion": "us-east-1",
        "invocationStatus": "Completed",
        "requestParameters": {
            "contentType": "application/x-aura-chunk",
            "endpointName": ENDPOINT,
            "inputLocation": location,
        },
        "responseParameters": {"contentType": "application/json", "outputLocation": accepted["OutputLocation"]},
        "inferenceId": "chunk-1",
        "eventVersion": "1.0",
        "eventSource": "aws:sagemaker",
        "eventName": "InferenceResult",
    }


def test_the_model_hears_the_content_type_and_the_inference_id(endpoint: Any, aws: Aws, model: FakeModel) -> None:
    with model.serving():
        invoke(endpoint, aws.put(b"x"), ContentType="application/x-aura-chunk")
        aws.notice(aws.succeeded)
    _, headers = model.seen[0]
    assert headers["content-type"] == "application/x-aura-chunk"
    assert headers["x-amzn-sagemaker-inference-id"] == "chunk-1"


def test_a_call_without_an_inference_id_gets_one(endpoint: Any, aws: Aws, model: FakeModel) -> None:
    with model.serving():
        accepted = endpoint.invoke_endpoint_async(EndpointName=ENDPOINT, InputLocation=aws.put(b"x"))
        assert aws.notice(aws.succeeded)["inferenceId"] == accepted["InferenceId"]


def test_a_refused_chunk_is_told_at_once_and_the_models_reason_is_kept(
    endpoint: Any, aws: Aws, model: FakeModel
) -> None:
    model.answers = [(400, {})]
    with model.serving():
        accepted = invoke(endpoint, aws.put(b"bad"))
        notice = aws.notice(aws.failed)
    assert len(model.seen) == 1
    assert notice["invocationStatus"] == "Failed"
    assert "400" in notice["failureReason"]
    assert notice["inferenceId"] == "chunk-1"
    assert aws.read(accepted["FailureLocation"]) == {"error": {"code": "corrupt", "message": "no"}}


def test_a_model_that_fails_and_hangs_up_is_asked_again(endpoint: Any, aws: Aws, model: FakeModel) -> None:
    model.answers = [(500, {}), (0, {})]
    with model.serving():
        accepted = invoke(endpoint, aws.put(b"chunk"))
        aws.notice(aws.succeeded)
    assert len(model.seen) == 3
    assert aws.read(accepted["OutputLocation"]) == {"echo": "chunk"}


def test_a_model_that_always_fails_ends_in_an_error_notice(endpoint: Any, aws: Aws, model: FakeModel) -> None:
    model.answers = [(500, {})] * 9
    with model.serving():
        invoke(endpoint, aws.put(b"chunk"))
        assert "500" in aws.notice(aws.failed)["failureReason"]
    assert len(model.seen) == 3


def test_a_busy_model_is_waited_for_as_long_as_it_asks(endpoint: Any, aws: Aws, model: FakeModel) -> None:
    model.answers = [(503, {"Retry-After": "1"})]
    began = time.monotonic()
    with model.serving():
        invoke(endpoint, aws.put(b"chunk"))
        aws.notice(aws.succeeded)
    assert len(model.seen) == 2
    assert time.monotonic() - began >= 1


def test_a_model_that_is_down_when_the_chunk_arrives_answers_once_it_is_up(
    endpoint: Any, aws: Aws, model: FakeModel
) -> None:
    invoke(endpoint, aws.put(b"chunk"))
    time.sleep(0.5)
    with model.serving():
        assert aws.notice(aws.succeeded)["inferenceId"] == "chunk-1"


def test_a_model_that_stays_down_ends_in_an_error_notice_within_the_invocations_timeout(
    endpoint: Any, aws: Aws
) -> None:
    accepted = invoke(endpoint, aws.put(b"chunk"), InvocationTimeoutSeconds=1)
    assert "1 seconds" in aws.notice(aws.failed, within=4)["failureReason"]
    assert aws.read(accepted["FailureLocation"])["error"]["code"] == "inference_timeout"


def test_a_missing_input_is_told_in_an_error_notice(endpoint: Any, aws: Aws) -> None:
    invoke(endpoint, f"s3://{aws.bucket}/never/written")
    assert "could not be read" in aws.notice(aws.failed)["failureReason"]


def test_a_request_that_waited_past_its_ttl_is_not_run_any_more(settings: Settings, aws: Aws, model: FakeModel) -> None:
    headers = {
        "x-amzn-sagemaker-inputlocation": aws.put(b"old", key="in/old"),
        "x-amzn-sagemaker-requestttlseconds": "60",
    }
    old = from_headers(headers, settings)
    Journal(settings.state_dir / "invocations").add(old.model_copy(update={"received_at": time.time() - 61}))
    with model.serving(), running(settings, aws):
        assert "expired" in aws.notice(aws.failed)["failureReason"]
    assert model.seen == []


def test_the_same_chunk_sent_twice_gives_the_same_result_twice(endpoint: Any, aws: Aws, model: FakeModel) -> None:
    location = aws.put(b"chunk")
    with model.serving():
        first, second = invoke(endpoint, location), invoke(endpoint, location)
        notices = [aws.notice(aws.succeeded) for _ in range(2)]
    assert first["OutputLocation"] == second["OutputLocation"]
    assert {notice["inferenceId"] for notice in notices} == {"chunk-1"}
    assert aws.read(first["OutputLocation"]) == {"echo": "chunk"}


def test_no_more_chunks_are_sent_to_the_model_at_once_than_configured(
    endpoint: Any, aws: Aws, model: FakeModel
) -> None:
    model.hold.clear()
    with model.serving():
        for number in range(5):
            invoke(endpoint, aws.put(b"chunk"), inference_id=f"chunk-{number}")
        wait_for(lambda: model.busy == 2)
        time.sleep(0.2)
        model.hold.set()
        for _ in range(5):
            aws.notice(aws.succeeded)
    assert model.most_busy == 2


def test_an_unknown_endpoint_and_an_impossible_location_are_validation_errors(endpoint: Any, aws: Aws) -> None:
    with pytest.raises(ClientError, match="not found") as unknown:
        endpoint.invoke_endpoint_async(EndpointName="another", InputLocation=aws.put(b"x"))
    assert unknown.value.response["Error"]["Code"] == "ValidationError"
    with pytest.raises(ClientError, match="not an S3 location"):
        invoke(endpoint, "https://example.org/chunk")


def test_what_waited_longest_is_taken_up_first(tmp_path: Path) -> None:
    settings = Settings("e", "u", "u", "u", "s", "e", Location("b", "out"), Location("b", "failed"), tmp_path)
    call = from_headers({"x-amzn-sagemaker-inputlocation": "s3://b/k"}, settings)
    journal = Journal(tmp_path)
    for moment in (3.0, 1.0, 2.0, 5.0, 4.0):
        journal.add(call.model_copy(update={"request_id": f"r{moment}", "received_at": moment}))
    assert [waiting.received_at for waiting in journal.pending()] == [1, 2, 3, 4, 5]


def test_an_invocation_that_cannot_be_read_is_set_aside_and_holds_up_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = Settings("e", "u", "u", "u", "s", "e", Location("b", "out"), Location("b", "failed"), tmp_path)
    journal = Journal(tmp_path)
    call = from_headers({"x-amzn-sagemaker-inputlocation": "s3://b/k"}, settings)
    journal.add(call)
    (tmp_path / "cut-off.json").write_bytes(b'{"request_id": "\xff')
    assert journal.pending() == [call]
    assert (tmp_path / "cut-off.unreadable").is_file()
    assert "set aside" in caplog.text
