"""The command line's client: whatever the other side does is told in a sentence."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from functions.core.contracts import AnalyzeVideoResponse, Status, UploadForm
from infra.cli.client import ApiClient, ApiError, fetch
from infra.local.processes import free_port


def test_an_upload_that_breaks_off_and_a_link_that_leads_nowhere_are_told(tmp_path: Path) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    video = tmp_path / "clip.mp4"
    video.write_bytes(b"frames")
    announced = AnalyzeVideoResponse(
        job_id="f" * 32,
        status=Status.PENDING,
        status_url="/jobs/x",
        upload=UploadForm(url=nobody, fields={"key": "api/x/video"}),
        expires_at="2026-01-01T00:00:00.000Z",
    )
    with pytest.raises(ApiError, match="broke off"):
        ApiClient(nobody, "token").upload(announced, video)
    with pytest.raises(ApiError, match="cannot be fetched"):
        fetch(f"{nobody}/frame.png")


@pytest.mark.parametrize(
    "answer", ["<html>Welcome</html>", '{"job_id": "../../elsewhere", "status": "completed"}', "{}"]
)
def test_an_answer_that_is_none_of_this_api_is_told_and_leads_nowhere(answer: str) -> None:
    client = ApiClient("http://api.example", "token")
    client.http = httpx.Client(
        base_url="http://api.example", transport=httpx.MockTransport(lambda _: httpx.Response(200, text=answer))
    )
    with pytest.raises(ApiError, match="no answer of this API"):
        client.job("f" * 32)
    with pytest.raises(ApiError, match="no answer of this API"):
        client.announce(Path("clip.mp4"))
