"""One picture or one whole video, for those who know the key."""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from skimage.data import astronaut

from infra.cli.sample import sample_clip
from model_src.data.made_clips import packaged_clip
from model_src.preprocess.still import decode
from model_src.serving import work
from model_src.serving.predictor import Predictor
from model_src.serving.server import ServerSettings
from model_src.serving.untrained_model import UntrainedModel
from tests.unit.serving.conftest import LogLines
from tests.unit.serving.models import small_model
from tests.unit.serving.test_server import FakeScorer, FakeSource, running

KEY = "a-key-that-nobody-guesses"
HEADERS = {"X-API-Key": KEY}


class SmallSource(UntrainedModel):
    def load(self) -> Predictor:
        return Predictor(small_model(), model_version="small", trained=False)


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with running(SmallSource("compact"), ServerSettings(api_key=KEY)) as client:
        yield client


def encoded(image: np.ndarray, suffix: str = ".png") -> bytes:
    return bytes(cv2.imencode(suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1])


def test_a_picture_of_a_face_gets_its_score_and_where_it_comes_from(client: httpx.Client) -> None:
    answer = client.post("/infer", content=encoded(astronaut(), ".jpg"), headers=HEADERS)
    assert answer.status_code == 200
    assert int(answer.headers["content-length"]) == len(answer.content)
    found = answer.json()
    assert found["class"] in {"real", "fake", "uncertain"}
    assert 0 <= found["fake_probability"] <= 1
    assert (found["trained"], found["model_version"]) == (False, "small")
    x0, y0, x1, y1 = found["face"]["box"]
    assert 150 < x0 < x1 < 300  # where the astronaut's face is
    assert 50 < y0 < y1 < 220
    heat = np.array(found["face"]["saliency"])
    assert heat.shape == (7, 7)
    assert bool(found["face"]["regions"]) == heat.any()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "not_an_image"),
        (b"garbage" * 100, "not_an_image"),
        (encoded(astronaut(), ".bmp"), "not_an_image"),
        (encoded(astronaut(), ".tiff"), "not_an_image"),
        (encoded(astronaut(), ".jp2"), "not_an_image"),
        (encoded(astronaut())[:1000], "not_an_image"),
        (encoded(np.full((300, 300, 3), 90, np.uint8)), "no_face"),
        (encoded(np.concatenate([astronaut()[:300, 100:350]] * 2, axis=1)), "multiple_faces"),
        (encoded(np.zeros((10, 300, 3), np.uint8)), "resolution_out_of_range"),
    ],
    ids=["empty", "garbage", "bmp", "tiff", "jp2", "truncated", "nobody", "twins", "tiny"],
)
def test_a_picture_that_cannot_be_judged_is_refused_with_a_sentence(
    client: httpx.Client, body: bytes, code: str
) -> None:
    answer = client.post("/infer", content=body, headers=HEADERS)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == code
    assert answer.json()["error"]["message"].endswith((".", "face."))


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_each_kind_of_picture_that_is_promised_is_read(suffix: str) -> None:
    assert decode(encoded(astronaut(), suffix)).shape == astronaut().shape


def test_a_video_file_gets_a_verdict(client: httpx.Client, tmp_path: Path) -> None:
    video = sample_clip(tmp_path / "clip.mp4").read_bytes()
    answer = client.post("/infer-video", content=video, headers=HEADERS, timeout=60)
    assert answer.status_code == 200
    assert answer.json()["prediction"]["overall_class"] in {"real", "fake", "uncertain"}
    assert answer.json()["video"]["frames_analyzed"] >= 5


def test_a_server_without_video_libraries_says_which_and_what_to_send_instead(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "find_spec", lambda name: None if name == "silero_vad" else True)
    answer = client.post("/infer-video", content=b"any", headers=HEADERS)
    assert (answer.status_code, answer.json()["error"]["code"]) == (501, "not_here")
    assert "lacks silero_vad" in answer.json()["error"]["message"]
    assert "/invocations" in answer.json()["error"]["message"]


def test_a_video_that_takes_too_long_is_given_up_and_one_that_is_too_large_never_begun(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    video = sample_clip(tmp_path / "clip.mp4").read_bytes()
    monkeypatch.setattr(work, "VIDEO_SECONDS", 0)
    answer = client.post("/infer-video", content=video, headers=HEADERS, timeout=60)
    assert (answer.status_code, answer.json()["error"]["code"]) == (504, "inference_timeout")
    with running(FakeSource(FakeScorer), ServerSettings(api_key=KEY, max_body_bytes=len(video) - 1)) as strict:
        assert strict.post("/infer-video", content=video, headers=HEADERS).status_code == 413


def test_a_video_that_cannot_be_judged_is_refused_with_the_contracts_code(client: httpx.Client) -> None:
    small = packaged_clip().read_bytes()  # 176x144
    assert (
        client.post("/infer-video", content=small, headers=HEADERS).json()["error"]["code"] == "resolution_out_of_range"
    )
    answer = client.post("/infer-video", content=b"no video", headers=HEADERS)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "unsupported_container")


@pytest.mark.parametrize("path", ["/infer", "/infer-video"])
@pytest.mark.parametrize("headers", [{}, {"X-API-Key": ""}, {"X-API-Key": "wrong"}, {"X-API-Key": KEY + "x"}])
def test_without_the_right_key_nothing_is_read(client: httpx.Client, path: str, headers: dict[str, str]) -> None:
    answer = client.post(path, content=b"garbage", headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthorized")


@pytest.mark.parametrize("given", ["", "anything"])
def test_a_server_without_a_key_lets_nobody_in(given: str) -> None:
    with running(FakeSource(FakeScorer), ServerSettings()) as client:
        answer = client.post("/infer", content=b"", headers={"X-API-Key": given})
        assert answer.status_code == 401
        assert "AURA_API_KEY" in answer.json()["error"]["message"]


def test_a_key_may_hold_any_letters() -> None:
    with running(FakeSource(FakeScorer), ServerSettings(api_key="schlüssel-密钥")) as client:
        right, wrong = (
            client.post("/infer", content=b"no picture", headers={b"X-API-Key": key.encode()})
            for key in ("schlüssel-密钥", "schlussel-密钥")
        )
    assert (right.json()["error"]["code"], wrong.json()["error"]["code"]) == ("not_an_image", "unauthorized")


def test_keys_are_compared_in_constant_time_and_at_one_length(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[tuple[int, int]] = []
    honest = hmac.compare_digest

    def watched(given: bytes, expected: bytes) -> bool:
        compared.append((len(given), len(expected)))
        return honest(given, expected)

    monkeypatch.setattr(hmac, "compare_digest", watched)
    for wrong in ("x", "x" * 500, KEY):
        client.post("/infer", content=b"", headers={"X-API-Key": wrong})
    assert compared == [(32, 32)] * 3


@given(key=st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=8, max_size=60))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_key_that_anybody_sends_reaches_the_log(client: httpx.Client, log_lines: LogLines, key: str) -> None:
    answer = client.post("/infer", content=b"garbage", headers={"X-API-Key": key})
    assert answer.status_code == 401
    lines = [line for line in log_lines() if line["message"] == "inference"]
    assert lines[-1]["status"] == "unauthorized"
    values = [str(value) for line in lines for value in line.values()]
    assert not any(key in value for value in values)
    assert key not in answer.text


def test_the_servers_own_key_is_not_in_its_settings_text() -> None:
    assert KEY not in repr(ServerSettings(api_key=KEY))
