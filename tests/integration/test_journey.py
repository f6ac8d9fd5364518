"""A video goes in, a verdict comes out: the whole way, over HTTP, as its users go it."""

from __future__ import annotations

import base64
import io
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from functions.core.contracts import JobList, JobView, Stage, Status
from infra.cli.client import ApiClient
from infra.local.stack import EmbeddedStack
from model_src.serving.default import DEFAULT_MODEL
from model_src.serving.manifest import read_verified
from tests.waiting import wait_for

Submit = Callable[[Path], str]
Finished = Callable[..., JobView]
Aws = Callable[[str], Any]


def subject(token: str) -> str:
    payload = token.split(".")[1]
    found: str = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["sub"]
    return found


def executions(stack: EmbeddedStack, job_id: str) -> list[str]:
    listed = stack.client("stepfunctions").list_executions(stateMachineArn=stack.outputs["StateMachineArn"])
    return [execution["status"] for execution in listed["executions"] if execution["name"] == job_id]


def test_an_uploaded_video_gets_a_verdict_with_pictures_within_a_minute(
    submit: Submit, finished: Finished, clip: Path
) -> None:
    start = time.monotonic()
    seen: list[JobView] = []
    job = finished(submit(clip), seen=seen)
    assert job.status is Status.COMPLETED, job.error
    assert time.monotonic() - start < 60

    assert job.prediction is not None
    assert job.metadata is not None
    assert job.metadata.trained is True  # nobody asked for another model than the one that comes with the code
    assert job.metadata.model_version == read_verified(DEFAULT_MODEL).model_version
    assert job.metadata.frames_analyzed == 20
    assert job.metadata.video_duration_sec == pytest.approx(4, abs=0.1)
    assert len(job.prediction.window_confidences) == 8  # two a second
    assert job.prediction.window_confidences[-1].end <= job.metadata.video_duration_sec + 1e-6
    assert job.prediction.modalities == ["video", "audio"]
    assert job.prediction.modality_agreement is not None
    assert job.prediction.confidence_interval is not None

    progress = [view.progress for view in seen]
    assert progress == sorted(progress)
    stages = [list(Stage).index(view.stage) for view in seen]
    assert stages == sorted(stages)

    links = [frame.saliency_url for frame in job.prediction.anomalous_frames if frame.saliency_url]
    assert links
    for link in links:
        picture = Image.open(io.BytesIO(httpx.get(link).content))
        assert picture.size == (640, 480)
    assert job.prediction.frame_confidences_url is not None
    assert len(httpx.get(job.prediction.frame_confidences_url).json()) == 20


def test_the_same_upload_event_five_times_is_one_execution_and_one_result(
    stack: EmbeddedStack, aws: Aws, client: ApiClient, finished: Finished, submit: Submit, clip: Path
) -> None:
    job_id = submit(clip)
    bucket, key = stack.outputs["UploadsBucketName"], f"api/{job_id}/video"
    head = aws("s3").head_object(Bucket=bucket, Key=key)
    found = {"key": key, "size": head["ContentLength"], "etag": head["ETag"].strip('"')}
    if "VersionId" in head:
        found["version-id"] = head["VersionId"]
    event = {
        "source": "aws.s3",
        "detail-type": "Object Created",
        "detail": {"bucket": {"name": bucket}, "object": found},
    }
    starter = stack.function("StartAnalysisFunction")
    for _ in range(5):
        answer = aws("lambda").invoke(FunctionName=starter, Payload=json.dumps(event).encode())
        assert json.loads(answer["Payload"].read()) == {"job_id": job_id}
    assert finished(job_id).status is Status.COMPLETED
    first = client.job(job_id).completed_at
    aws("lambda").invoke(FunctionName=starter, Payload=json.dumps(event).encode())  # and once more, late
    assert executions(stack, job_id) == ["SUCCEEDED"]
    assert client.job(job_id).completed_at == first


@pytest.mark.parametrize("name", ["space plus+ü.mp4", "ordinary.mp4"])
def test_a_video_put_straight_into_the_bucket_is_analysed_for_its_user(
    stack: EmbeddedStack, aws: Aws, client: ApiClient, finished: Finished, clip: Path, name: str
) -> None:
    key = f"users/{subject(stack.token())}/{name}"
    aws("s3").upload_file(str(clip), stack.outputs["UploadsBucketName"], key)

    def listed() -> list[JobView]:
        jobs = JobList.model_validate_json(client.http.get("/jobs").content).jobs
        return [job for job in jobs if job.filename == name]

    [job] = wait_for(listed, 20, every=0.2)
    assert finished(job.job_id).status is Status.COMPLETED


def test_a_text_file_named_mp4_is_told_that_it_is_no_video(submit: Submit, finished: Finished, tmp_path: Path) -> None:
    path = tmp_path / "notes.mp4"
    path.write_text("This is not a video.\n" * 500)
    job = finished(submit(path))
    assert job.status is Status.FAILED
    assert job.error is not None
    assert job.error.code in ("corrupt_video", "unsupported_container")
    assert job.error.message.endswith(".")
    assert job.prediction is None


def test_a_landscape_without_faces_is_told_so(submit: Submit, finished: Finished, tmp_path: Path) -> None:
    from tests.media import make_clip

    path = tmp_path / "landscape.mp4"
    make_clip(path, seconds=2, size=(640, 480))
    job = finished(submit(path))
    assert job.error is not None
    assert job.error.code == "no_face"


def test_without_a_valid_token_the_api_answers_401(stack: EmbeddedStack) -> None:
    for headers in ({}, {"Authorization": "Bearer made.up.token"}):
        assert httpx.post(f"{stack.api_url}/analyze-video", json={}, headers=headers).status_code == 401
        assert httpx.get(f"{stack.api_url}/jobs", headers=headers).status_code == 401


def test_someone_elses_job_is_404_for_everyone_else(
    stack: EmbeddedStack, client: ApiClient, submit: Submit, clip: Path
) -> None:
    job_id = submit(clip)
    stranger = httpx.Client(
        base_url=stack.api_url, headers={"Authorization": f"Bearer {stack.token('eve@aura.example')}"}
    )
    assert stranger.get(f"/jobs/{job_id}").status_code == 404
    assert all(job["job_id"] != job_id for job in stranger.get("/jobs").json()["jobs"])
    assert client.job(job_id).job_id == job_id


def test_an_oversized_upload_is_refused_by_storage_itself(client: ApiClient, tmp_path: Path) -> None:
    announced = client.announce(Path("large.mp4"))
    too_large = io.BytesIO(bytes(8 * 2**20 + 1))
    answer = httpx.post(announced.upload.url, data=announced.upload.fields, files={"file": too_large})
    assert answer.status_code == 400
    assert "EntityTooLarge" in answer.text


def test_an_upload_of_another_type_or_to_another_key_is_refused(client: ApiClient, clip: Path) -> None:
    for change in ({"Content-Type": "text/html"}, {"key": "users/somebody/else.mp4"}):
        announced = client.announce(Path("clip.mp4"))
        fields = announced.upload.fields | change
        answer = httpx.post(announced.upload.url, data=fields, files={"file": clip.read_bytes()})
        assert answer.status_code == 403


def test_an_expired_upload_form_is_refused(client: ApiClient, clip: Path) -> None:
    announced = client.announce(clip)
    time.sleep(11)
    answer = httpx.post(announced.upload.url, data=announced.upload.fields, files={"file": clip.read_bytes()})
    assert answer.status_code == 403
