"""The three worlds around the endpoint: a model, AWS, and the endpoint itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import uvicorn

from infra.local.async_endpoint.app import create_app
from infra.local.async_endpoint.settings import Location, Settings
from infra.local.processes import free_port
from tests.house import HOUSE
from tests.waiting import answers, wait_for

ENDPOINT = "aura-test"
WITHIN = 15.0  # seconds until a notice must have come


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
        cwd=HOUSE,
        env={"PATH": os.environ["PATH"]},
    )
    url = f"http://127.0.0.1:{port}"

    def up() -> bool:
        assert child.poll() is None, "the endpoint ended by itself"
        return answers(f"{url}/ping")

    try:
        wait_for(up)
        yield child, url
    finally:
        child.kill()
        child.wait()


def invoke(client: Any, location: str, inference_id: str = "chunk-1", **more: Any) -> Any:
    return client.invoke_endpoint_async(
        EndpointName=ENDPOINT,
        InputLocation=location,
        InferenceId=inference_id,
        **{"InvocationTimeoutSeconds": 60, **more},
    )
