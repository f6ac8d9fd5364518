"""The local asynchronous endpoint, spoken to as the functions do: boto3 on one side, S3 and SNS on the other."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
import uvicorn
from botocore.exceptions import ClientError

from infra.local.async_endpoint.app import create_app
from infra.local.async_endpoint.invocation import from_headers
from infra.local.async_endpoint.journal import Journal
from infra.local.async_endpoint.settings import Location, Settings

ENDPOINT = "aura-test"
WITHIN = 15.0  # seconds until a notice must have come


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(condition: Callable[[], Any], within: float = WITHIN) -> Any:
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError(f"nothing within {within} seconds")


def reachable(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).is_success
    except httpx.TransportError:
        return False


# --- the three worlds around the endpoint: a model, AWS, and the endpoint's own process ------------------------------


@dataclass
class FakeModel:
    """An inference server that answers what a test tells it to and remembers what it was asked."""

    port: int = field(default_factory=free_port)
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)  # then 200 for ever
    seen: list[tuple[bytes, dict[str, str]]] = field(default_factory=list)
    hold: threading.Event = field(default_factory=threading.Event)
    busy: int = 0
    most_busy: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        self.seen.append((body, {key.lower(): value for key, value in handler.headers.items()}))
        status, headers = self.answers.pop(0) if self.answers else (200, {})
        self.busy += 1
        self.most_busy = max(self.most_busy, self.busy)
        self.hold.wait(WITHIN)
        self.busy -= 1
        if status == 0:  # die in the middle of the answer
            handler.connection.close()
            return
        answer = json.dumps(
            {"echo": body.decode()} if status == 200 else {"error": {"code": "corrupt", "message": "no"}}
        )
        handler.send_response(status)
        for name, value in {**headers, "Content-Type": "application/json", "Content-Length": str(len(answer))}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(answer.encode())

    @contextmanager
    def serving(self) -> Iterator[None]:
        model = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                model.answer(self)

            def log_message(self, *_: object) -> None:
                """Silence: the tests look at what was answered."""

        server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield
        finally:
            self.hold.set()
            server.shutdown()
            server.server_close()
            thread.join()


@pytest.fixture
def model() -> FakeModel:
    model = FakeModel()
    model.hold.set()
    return model


@dataclass
class Aws:
    url: str
    bucket: str = field(default_factory=lambda: f"work-{uuid.uuid4().hex[:8]}")

    def __post_init__(self) -> None:
        self.s3, self.sns, self.sqs = (self.client(name) for name in ("s3", "sns", "sqs"))
        self.s3.create_bucket(Bucket=self.bucket)
        self.success, self.succeeded = self._topic("success")
        self.error, self.failed = self._topic("error")

    def client(self, service: str, url: str | None = None) -> Any:
        return boto3.client(
            service,
            endpoint_url=url or self.url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def _topic(self, name: str) -> tuple[str, str]:
        topic = self.sns.create_topic(Name=f"{self.bucket}-{name}")["TopicArn"]
        queue = self.sqs.create_queue(QueueName=f"{self.bucket}-{name}")["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        self.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        return topic, queue

    def put(self, body: bytes, key: str = "in/chunk 1+ü.bin") -> str:
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)
        return f"s3://{self.bucket}/{key}"

    def read(self, uri: str) -> Any:
        location = Location.parse(uri)
        return json.loads(self.s3.get_object(Bucket=location.bucket, Key=location.key)["Body"].read())

    def notice(self, queue: str, within: float = WITHIN) -> Any:
        """The next notice in a queue; each is read once."""

        def receive() -> Any:
            return self.sqs.receive_message(QueueUrl=queue).get("Messages")

        message = wait_for(receive, within)[0]
        self.sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return json.loads(json.loads(message["Body"])["Message"])


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """S3, SNS and SQS on a private port, in a clean environment and with a state folder of their own."""
    port, folder = free_port(), tmp_path_factory.mktemp("emulator")
    environment = {
        "PATH": os.environ["PATH"],
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "STATE_DIR": str(folder / "state"),
        "S3_DATA_DIR": str(folder / "s3"),
        "TMPDIR": str(folder),
        "SERVICES": "s3,sns,sqs",
        "IOT_MTLS_ENABLED": "0",
    }
    child = subprocess.Popen(
        [sys.executable, "-m", "ministack"],
        env=environment,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(lambda: reachable(f"{url}/_ministack/health"), within=30)
        yield url
    finally:
        child.terminate()
        child.wait(timeout=20)


@pytest.fixture
def aws(emulator: str) -> Aws:
    return Aws(emulator)


@pytest.fixture
def settings(aws: Aws, model: FakeModel, tmp_path: Path) -> Settings:
    return Settings(
        endpoint_name=ENDPOINT,
        inference_url=model.url,
        s3_endpoint=aws.url,
        sns_endpoint=aws.url,
        success_topic=aws.success,
        error_topic=aws.error,
        output=Location(aws.bucket, "out"),
        failure=Location(aws.bucket, "failed"),
        state_dir=tmp_path,
        concurrency=2,
    )


@contextmanager
def running(settings: Settings, aws: Aws) -> Iterator[Any]:
    """The endpoint inside this process; yields boto3's client for it."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(create_app(settings), host="127.0.0.1", port=port, log_config=None))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_for(lambda: server.started)
        yield aws.client("sagemaker-runtime", f"http://127.0.0.1:{port}")
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture
def endpoint(settings: Settings, aws: Aws) -> Iterator[Any]:
    with running(settings, aws) as client:
        yield client


def invoke(client: Any, location: str, inference_id: str = "chunk-1", **more: Any) -> Any:
    return client.invoke_endpoint_async(
        EndpointName=ENDPOINT,
        InputLocation=location,
        InferenceId=inference_id,
        **{"InvocationTimeoutSeconds": 60, **more},
    )


# --- promises --------------------------------------------------------------------------------------------------------


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


# --- the process -----------------------------------------------------------------------------------------------------


@contextmanager
def process(settings: Settings) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    port = free_port()
    options = {
        "--port": port,
        "--endpoint-name": settings.endpoint_name,
        "--inference-url": settings.inference_url,
        "--s3-endpoint": settings.s3_endpoint,
        "--sns-endpoint": settings.sns_endpoint,
        "--success-topic": settings.success_topic,
        "--error-topic": settings.error_topic,
        "--output": settings.output,
        "--failure": settings.failure,
        "--state-dir": settings.state_dir,
        "--concurrency": settings.concurrency,
    }
    arguments = [str(part) for option in options.items() for part in option]
    child = subprocess.Popen(
        [sys.executable, "-m", "infra.local.async_endpoint", *arguments],
        cwd=Path(__file__).parents[3],
        env={"PATH": os.environ["PATH"]},
    )
    url = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        assert child.poll() is None, "the endpoint ended by itself"
        return reachable(f"{url}/ping")

    try:
        wait_for(answers)
        yield child, url
    finally:
        child.kill()
        child.wait()


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
    assert answered == {f"chunk-{number}" for number in range(4)}
    wait_for(lambda: Journal(settings.state_dir / "invocations").pending() == [])


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
