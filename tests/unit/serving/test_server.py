"""The inference server's manners: what it answers when it is ready, not ready, busy, or given nonsense."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import httpx
import pytest
import torch
import uvicorn

from model_src.preprocess.chunk import Chunk
from model_src.serving.errors import InferenceFailed, ModelUnavailable
from model_src.serving.holder import ModelSource
from model_src.serving.on_gpu import OnGpuAlone
from model_src.serving.server import ServerSettings, create_app
from model_src.verdict.scores import Calibration, ChunkScores, WindowScore
from tests.unit.serving.chunks import make_chunk
from tests.unit.serving.conftest import LogLines
from tests.waiting import wait_for

CHUNK = make_chunk(1.0, sound=False).to_bytes()


@dataclass
class FakeScorer:
    """Answers at once, or holds every chunk until it is told to go on."""

    model_version: str = "fake-1"
    calibration: Calibration = field(default_factory=lambda: Calibration(method="temperature", scale=0.5))
    go: threading.Event = field(default_factory=threading.Event)
    at_work: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    problem: Exception | None = None

    def score_chunk(self, chunk: Chunk) -> ChunkScores:
        self.at_work.release()
        self.go.wait(20)
        if self.problem:
            raise self.problem
        windows = [WindowScore(index=0, start=0, end=1, logit=2.0)]
        return ChunkScores(model_version="fake-1", trained=False, chunk_index=chunk.index, windows=windows, frames=[])

    def score_chunks(self, chunks: Sequence[Chunk]) -> list[ChunkScores | Exception]:
        return [self.score_chunk(chunk) for chunk in chunks]


@dataclass
class FakeSource:
    load: Callable[[], FakeScorer]

    def exists(self) -> bool:
        return True

    def __str__(self) -> str:
        return "/models/fake"


@pytest.fixture
def scorer() -> FakeScorer:
    scorer = FakeScorer()
    scorer.go.set()
    return scorer


@contextmanager
def running(source: ModelSource, settings: ServerSettings | None = None, ready: bool = True) -> Iterator[httpx.Client]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    app = create_app(source, replace(settings or ServerSettings(), port=port))
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, timeout_graceful_shutdown=10)
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=20) as client:
            wait_for(lambda: server.started)
            if ready:
                wait_for(lambda: client.get("/ping").is_success)
            client.stop_server = lambda: setattr(server, "should_exit", True)  # type: ignore[attr-defined]
            yield client
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture
def client(scorer: FakeScorer) -> Iterator[httpx.Client]:
    with running(FakeSource(lambda: scorer)) as client:
        yield client


def test_a_chunk_is_answered_with_its_scores_and_a_content_length(client: httpx.Client) -> None:
    response = client.post("/invocations", content=CHUNK)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert int(response.headers["content-length"]) == len(response.content)
    assert ChunkScores.model_validate_json(response.content).chunk_index == 3


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "not_a_chunk"),
        (b"garbage" * 100, "not_a_chunk"),
        (CHUNK[:-1000], "checksum_mismatch"),
        (CHUNK[:500] + b"?" + CHUNK[501:], "checksum_mismatch"),
    ],
    ids=["empty", "garbage", "truncated", "damaged"],
)
def test_bytes_that_are_no_chunk_are_a_bad_request_with_a_code(client: httpx.Client, body: bytes, code: str) -> None:
    response = client.post("/invocations", content=body)
    assert response.status_code == 400
    assert response.json()["error"]["code"] == code
    assert response.json()["error"]["message"]


def test_a_body_over_the_limit_is_refused_and_the_next_chunk_is_served(scorer: FakeScorer) -> None:
    settings = ServerSettings(max_body_bytes=len(CHUNK))
    with running(FakeSource(lambda: scorer), settings) as client:
        refused = client.post("/invocations", content=CHUNK + b"x")
        assert refused.status_code == 413
        assert refused.json()["error"]["code"] == "too_large"
        chunked = client.post("/invocations", content=iter([CHUNK, b"x"]))  # no Content-Length to believe
        assert chunked.status_code == 413
        assert client.post("/invocations", content=CHUNK).status_code == 200


@pytest.mark.parametrize("batch", [1, 8])
def test_after_a_fault_of_the_gpu_no_more_work_is_asked_for(scorer: FakeScorer, batch: int) -> None:
    scorer.problem = torch.AcceleratorError("CUDA error: an illegal memory access was encountered")
    with running(FakeSource(lambda: scorer), ServerSettings(batch=batch)) as client:
        assert client.post("/invocations", content=CHUNK).status_code == 500
        assert client.get("/ping").status_code == 503  # SageMaker puts another instance in its place
        assert "GPU" in client.get("/health/ready").json()["reason"]
        assert client.get("/health/live").status_code == 200


def test_a_promised_gpu_that_is_not_there_is_said_instead_of_crawling_on(
    scorer: FakeScorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with running(OnGpuAlone(FakeSource(lambda: scorer)), ready=False) as client:
        wait_for(lambda: "driver" in client.get("/health/ready").json()["reason"])
        assert client.get("/ping").status_code == 503


def test_while_the_model_loads_the_server_is_alive_and_says_it_is_not_ready(scorer: FakeScorer) -> None:
    loaded = threading.Event()

    def load() -> FakeScorer:
        loaded.wait(20)
        return scorer

    with running(FakeSource(load), ready=False) as client:
        try:
            assert client.get("/health/live").json() == {"status": "alive"}
            assert client.get("/ping").status_code == 503
            assert "loading" in client.get("/health/ready").json()["reason"]
            refused = client.post("/invocations", content=CHUNK)
            assert refused.status_code == 503
            assert int(refused.headers["retry-after"]) > 0
        finally:
            loaded.set()
        wait_for(lambda: client.get("/ping").is_success)
        assert client.get("/health/ready").json() == {
            "status": "ready",
            "model_loaded": True,
            "checkpoint_path": "/models/fake",
        }
        assert client.get("/health").json() == {
            "status": "healthy",
            "model_loaded": True,
            "checkpoint_exists": True,
            "ready": True,
        }


def test_a_model_that_cannot_be_loaded_leaves_a_server_that_says_why() -> None:
    def load() -> FakeScorer:
        raise ModelUnavailable("model.safetensors does not fit its manifest.")

    with running(FakeSource(load), ready=False) as client:
        wait_for(lambda: "manifest" in client.get("/ping").json()["reason"])
        assert client.get("/ping").status_code == 503
        assert client.get("/health/live").status_code == 200
        ready = client.get("/health/ready")
        assert (ready.status_code, ready.json()["model_loaded"]) == (503, False)
        assert client.get("/health").json()["status"] == "unhealthy"
        assert "manifest" in client.post("/invocations", content=CHUNK).json()["error"]["message"]


def test_a_loader_that_breaks_unforeseen_tells_the_outside_no_details() -> None:
    def load() -> FakeScorer:
        raise RuntimeError("/secret/path")

    with running(FakeSource(load), ready=False) as client:
        wait_for(lambda: "RuntimeError" in client.get("/ping").json()["reason"])
        assert "/secret/path" not in client.get("/ping").text


def test_when_all_places_are_taken_the_next_chunk_is_sent_away_with_a_time_to_come_again(scorer: FakeScorer) -> None:
    scorer.go.clear()
    with (
        running(FakeSource(lambda: scorer), ServerSettings(queue_size=1)) as client,
        ThreadPoolExecutor() as pool,
    ):
        at_work = pool.submit(client.post, "/invocations", content=CHUNK)
        assert scorer.at_work.acquire(timeout=10)
        rest = [pool.submit(client.post, "/invocations", content=CHUNK) for _ in range(2)]
        sent_away = next(as_completed(rest, timeout=10)).result()
        assert sent_away.status_code == 503
        assert sent_away.json()["error"]["code"] == "busy"
        assert int(sent_away.headers["retry-after"]) > 0
        assert client.get("/health/live").status_code == 200  # the loop stays alive under load
        scorer.go.set()
        assert sorted(answer.result().status_code for answer in [at_work, *rest]) == [200, 200, 503]
        assert client.post("/invocations", content=CHUNK).status_code == 200


@pytest.mark.parametrize(
    ("problem", "sentence"),
    [
        (InferenceFailed("The model gave a number that is none."), "The model gave a number that is none."),
        (RuntimeError("/internal/path line 3"), "The model failed on this input."),
    ],
    ids=["said", "unforeseen"],
)
def test_a_failing_model_is_an_inference_failed_without_a_traceback(
    client: httpx.Client, scorer: FakeScorer, problem: Exception, sentence: str
) -> None:
    scorer.problem = problem
    response = client.post("/invocations", content=CHUNK)
    assert response.status_code == 500
    assert response.json() == {"error": {"code": "inference_failed", "message": sentence}}
    scorer.problem = None
    assert client.post("/invocations", content=CHUNK).status_code == 200


def test_a_stopping_server_answers_the_chunk_it_holds(scorer: FakeScorer) -> None:
    scorer.go.clear()
    with running(FakeSource(lambda: scorer)) as client, ThreadPoolExecutor() as pool:
        answer = pool.submit(client.post, "/invocations", content=CHUNK)
        assert scorer.at_work.acquire(timeout=10)
        client.stop_server()  # type: ignore[attr-defined]
        time.sleep(0.3)
        scorer.go.set()
        assert answer.result().status_code == 200


def test_every_request_leaves_one_line_in_the_log(
    client: httpx.Client, scorer: FakeScorer, log_lines: LogLines
) -> None:
    client.post("/invocations", content=CHUNK, headers={"X-Amzn-SageMaker-Inference-Id": "job-1/chunk-3"})
    client.post("/invocations", content=b"garbage")
    good, bad = [line for line in log_lines() if line["message"] == "inference"]
    assert good["request_id"] == "job-1/chunk-3"
    assert good["size_bytes"] == len(CHUNK)
    assert good["model_version"] == "fake-1"
    assert good["fake_probability"] == pytest.approx(0.731059)  # sigmoid(0.5 * 2): calibrated
    assert good["status"] == "success"
    assert good["latency_ms"] >= 0
    assert bad["status"] == "not_a_chunk"
    assert bad["request_id"]
