"""The three routes, as a client developer meets them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import jsonschema
import pytest
from pydantic import ValidationError

from functions import api
from functions.core.contracts import (
    AnalyzeVideoResponse,
    ErrorCode,
    JobError,
    JobList,
    JobView,
    Metadata,
    Result,
    Status,
)
from functions.core.files import locate
from functions.core.uploads import Upload, api_key
from infra.openapi import PATH
from model_src.verdict.prediction import AnomalousFrame, Prediction

DESCRIBED = json.loads(PATH.read_text())
Call = Callable[..., tuple[int, Any]]


@pytest.fixture
def call(aws: SimpleNamespace, context: SimpleNamespace, example: Callable[[str], dict[str, Any]]) -> Call:
    def request(
        method: str, path: str, *, owner: str | None = "ada", body: Any = None, query: Any = None
    ) -> tuple[int, Any]:
        event = example("api")
        event |= {"httpMethod": method, "path": path, "resource": path, "body": body, "queryStringParameters": query}
        event["multiValueQueryStringParameters"] = {key: [value] for key, value in (query or {}).items()}
        event["requestContext"]["authorizer"] = {"claims": {"sub": owner}} if owner else {}
        answer = api.handler(event, context)
        status, told = answer["statusCode"], json.loads(answer["body"])
        assert_described(method, path, status, told)
        return status, told

    return request


def assert_described(method: str, path: str, status: int, body: Any) -> None:
    """Every answer of every test is one that the published description promises."""
    route = re.sub(r"^/jobs/.+", "/jobs/{job_id}", path)
    content = DESCRIBED["paths"][route][method.lower()]["responses"][str(status)]["content"]
    jsonschema.validate(body, content["application/json"]["schema"] | {"components": DESCRIBED["components"]})


def verdict() -> Result:
    return Result(
        prediction=Prediction(
            overall_class="fake",
            overall_confidence=0.9,
            manipulation_confidence=0.9,
            confidence_interval=(0.8, 0.95),
            uncertainty_score=0.01,
            modality_agreement=None,
            modality_contribution=1.0,
            modality_disagreement=None,
            lip_sync_score=None,
            needs_human_review=False,
            modalities=["video"],
            anomalous_frames=[
                AnomalousFrame(
                    frame_id=3,
                    timestamp=0.6,
                    confidence=0.9,
                    saliency_url=locate("results", "j/saliency/frame_000003.png"),
                )
            ],
            audio_anomalies=[],
            segments=[],
            window_confidences=[],
            frame_confidences_url=locate("results", "j/frame_confidences.json"),
        ),
        metadata=Metadata(
            processing_time_sec=3.2, video_duration_sec=12, frames_analyzed=60, model_version="m", trained=True
        ),
    )


def test_announcing_a_video_gives_a_form_that_s3_enforces(call: Call, aws: SimpleNamespace) -> None:
    status, body = call("POST", "/analyze-video", body='{"filename": "interview.mp4"}')
    answer = AnalyzeVideoResponse.model_validate(body)
    assert status == 202
    assert answer.status is Status.PENDING
    assert answer.status_url == f"/jobs/{answer.job_id}"
    assert answer.upload.fields["key"] == api_key(answer.job_id)
    assert {"policy", "Content-Type"} <= {
        name if name == "Content-Type" else name.lower() for name in answer.upload.fields
    }
    assert aws.jobs.get(answer.job_id).filename == "interview.mp4"


@pytest.mark.parametrize("sent", ["{}", None, ""])
def test_an_empty_request_asks_for_an_mp4(call: Call, sent: str | None) -> None:
    status, body = call("POST", "/analyze-video", body=sent)
    assert status == 202
    assert body["upload"]["fields"]["Content-Type"] == "video/mp4"


@pytest.mark.parametrize(
    "body", ['{"content_type": "text/html"}', '{"owner": "eve"}', '{"filename": ""}', "[]", "nonsense", "[" * 9999]
)
def test_a_malformed_request_is_told_what_is_wrong(call: Call, body: str) -> None:
    status, answer = call("POST", "/analyze-video", body=body)
    assert status in (400, 422)
    assert answer


def test_a_number_of_thousands_of_digits_is_the_senders_fault(call: Call) -> None:
    assert call("POST", "/analyze-video", body='{"filename": ' + "9" * 5000 + "}")[0] == 400


def test_a_stored_job_that_is_damaged_is_no_fault_of_whoever_asks_for_it(call: Call, aws: SimpleNamespace) -> None:
    job = aws.jobs.register(Upload(bucket="uploads", key="users/ada/clip.mp4", version="v1"), 90)
    aws.table.update_item(
        Key={"job_id": job.job_id},
        UpdateExpression="SET progress = :far",
        ExpressionAttributeValues={":far": "far"},
    )
    with pytest.raises(ValidationError):  # Lambda's error: API Gateway answers 5xx, and the alarm hears of it
        call("GET", f"/jobs/{job.job_id}")


@pytest.mark.parametrize("sent", ["clip\x1b]0;pwned\x07.mp4", "clip\u202e4pm.exe", "two\nlines", "c1\x9bcontrol"])
def test_a_name_that_steers_a_terminal_or_turns_the_text_is_kept_without_that(call: Call, sent: str) -> None:
    _, announced = call("POST", "/analyze-video", body=json.dumps({"filename": sent}))
    found = call("GET", f"/jobs/{announced['job_id']}")[1]["filename"]
    assert found == "".join(c if c.isprintable() else "\ufffd" for c in sent)


def test_the_owner_sees_the_job_and_anyone_else_gets_404(call: Call) -> None:
    _, announced = call("POST", "/analyze-video", body="{}")
    status, body = call("GET", f"/jobs/{announced['job_id']}")
    assert status == 200
    assert JobView.model_validate(body).status is Status.PENDING
    status_other, body_other = call("GET", f"/jobs/{announced['job_id']}", owner="eve")
    status_none, body_none = call("GET", f"/jobs/{'0' * 32}")
    assert (status_other, body_other) == (status_none, body_none)
    assert status_other == 404


def test_an_upload_without_owner_is_nobodys_to_see(call: Call, aws: SimpleNamespace) -> None:
    job = aws.jobs.register(Upload(bucket="uploads", key="clip.mp4", version="v1"), 90)
    assert call("GET", f"/jobs/{job.job_id}")[0] == 404


def test_without_a_subject_nothing_is_given(call: Call) -> None:
    assert call("GET", "/jobs", owner=None)[0] == 401


def test_the_table_holds_more_than_jobs_and_none_of_it_can_be_asked_for(call: Call, aws: SimpleNamespace) -> None:
    aws.table.put_item(Item={"job_id": "scoring#x.0000", "token": "secret", "job": "x", "chunk": 0, "chunks": 1})
    status, body = call("GET", "/jobs/scoring#x.0000")
    assert status in (404, 422)
    assert "secret" not in json.dumps(body)


def test_a_completed_job_carries_its_verdict_with_links_that_expire(call: Call, aws: SimpleNamespace) -> None:
    job = aws.jobs.register(Upload(bucket="uploads", key="users/ada/clip.mp4", version="v1"), 90)
    assert aws.jobs.close(job.job_id, verdict())
    status, body = call("GET", f"/jobs/{job.job_id}")
    view = JobView.model_validate(body)
    assert (status, view.status, view.progress) == (200, Status.COMPLETED, 1.0)
    assert view.prediction is not None
    link = view.prediction.anomalous_frames[0].saliency_url
    assert link is not None
    assert link.startswith("https://results.")
    assert "Expires" in link
    assert view.prediction.overall_class == "fake"


def test_a_failed_job_says_why_in_a_sentence(call: Call, aws: SimpleNamespace) -> None:
    job = aws.jobs.register(Upload(bucket="uploads", key="users/ada/clip.mp4", version="v1"), 90)
    aws.jobs.close(job.job_id, JobError(code=ErrorCode.NO_FACE, message="No face was found."))
    _, body = call("GET", f"/jobs/{job.job_id}")
    assert body["error"] == {"code": "no_face", "message": "No face was found."}
    assert "prediction" not in body or body["prediction"] is None


def test_a_listing_is_short_and_pages(call: Call, aws: SimpleNamespace) -> None:
    for _ in range(3):
        call("POST", "/analyze-video", body="{}")
    call("POST", "/analyze-video", owner="eve", body="{}")
    status, body = call("GET", "/jobs", query={"limit": "2"})
    first = JobList.model_validate(body)
    assert (status, len(first.jobs)) == (200, 2)
    _, body = call("GET", "/jobs", query={"limit": "2", "cursor": first.next_cursor})
    second = JobList.model_validate(body)
    assert len(second.jobs) == 1
    assert second.next_cursor is None


@pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "many"}, {"cursor": "!"}])
def test_a_listing_asked_for_wrongly_is_a_client_error(call: Call, query: dict[str, str]) -> None:
    assert 400 <= call("GET", "/jobs", query=query)[0] < 500


def test_a_browser_may_read_the_answer(
    aws: SimpleNamespace, context: SimpleNamespace, example: Callable[[str], dict[str, Any]]
) -> None:
    event = example("api")
    event["headers"] = (event.get("headers") or {}) | {"Origin": "https://anywhere.example"}
    event["multiValueHeaders"] = {"Origin": ["https://anywhere.example"]}
    answer = api.handler(event, context)
    assert answer["multiValueHeaders"]["Access-Control-Allow-Origin"] == ["*"]


def test_a_page_has_at_most_a_hundred_jobs(call: Call) -> None:
    assert call("GET", "/jobs", query={"limit": "100"})[0] == 200
    assert call("GET", "/jobs", query={"limit": "101"})[0] in (400, 422)


def test_the_links_of_a_verdict_live_as_long_as_is_said(
    call: Call, aws: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("functions.get_job.LINK_SECONDS", 120)
    job = aws.jobs.register(Upload(bucket="uploads", key="users/ada/clip.mp4", version="v1"), 90)
    aws.jobs.close(job.job_id, verdict())
    found = call("GET", f"/jobs/{job.job_id}")[1]["prediction"]
    links = [found["anomalous_frames"][0]["saliency_url"], found["frame_confidences_url"]]
    assert all(link.startswith("https://results.") and "X-Amz-Expires=120&" in link for link in links)
