"""The whole product on one machine: emulator, the template's stack, the inference server and its asynchronous endpoint.

Everything listens on 127.0.0.1 alone, keeps its state in one folder, and is stopped by whoever started it.
"""

from __future__ import annotations

import fcntl
import json
import shutil
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import boto3
from pydantic import BaseModel, ConfigDict

from infra.local.account import REGION, session
from infra.local.deploy import STACK, deploy
from infra.local.home import make_private, model_cache, stack_home
from infra.local.processes import Process, free_port
from infra.local.users import LOCAL_USER, token_for
from model_src.serving.default import DEFAULT_MODEL

ENDPOINT_NAME = "aura-veracity-local"
# A laptop's model starts warm and scores a chunk in seconds: a minute without an answer means it is gone.
PARAMETERS = {"ScoringBackend": "external", "ExternalEndpointName": ENDPOINT_NAME, "ScoringTimeoutSeconds": "60"}


class AlreadyRunning(RuntimeError):
    """Another process holds this state folder."""


class Addresses(BaseModel):
    """Where a running stack can be found; kept in its folder for the other commands."""

    model_config = ConfigDict(frozen=True)

    aws_url: str
    api_url: str
    inference_url: str
    async_url: str
    outputs: dict[str, str]

    def token(self, email: str = LOCAL_USER) -> str:
        """What the API asks its callers for."""
        cognito = session().client("cognito-idp", endpoint_url=self.aws_url)
        return token_for(cognito, self.outputs["UserPoolId"], self.outputs["UserPoolClientId"], email)


class EmbeddedStack:
    """`with EmbeddedStack() as stack:` … and everything is gone again, except the state."""

    def __init__(
        self,
        home: Path | None = None,
        model_arguments: list[str] | None = None,
        parameters: dict[str, str] | None = None,
    ) -> None:
        self.home = (home or stack_home()).resolve()
        self.temporary, self.known_ports = self.home / "tmp", self.home / "ports.json"
        self.parameters = PARAMETERS | (parameters or {})
        self.ports = self._ports()
        self.aws_url = f"http://127.0.0.1:{self.ports['aws']}"
        self.inference_url = f"http://127.0.0.1:{self.ports['inference']}"
        self.async_url = f"http://127.0.0.1:{self.ports['async']}"
        self.outputs: dict[str, str] = {}
        self.emulator = self._emulator()
        self.inference = self._process(
            "inference server",
            ["model_src.serving", "serve", "--host", "127.0.0.1", "--port", str(self.ports["inference"])]
            + (model_arguments or ["--model-dir", str(DEFAULT_MODEL), "--cache-dir", str(model_cache())]),
            f"{self.inference_url}/ping",
        )
        self.endpoint: Process | None = None  # needs the topics, which exist once the template is deployed
        self._lock: IO[str] | None = None

    # -- life ---------------------------------------------------------------------------------------

    def start(self) -> Self:
        self._take_lock()
        try:
            self.known_ports.write_text(json.dumps(self.ports))
            shutil.rmtree(self.temporary, ignore_errors=True)  # the emulator leaves its functions' unpacked code there
            self.temporary.mkdir(parents=True)
            self.emulator.start(self._kept_open)
            self.inference.start(self._kept_open)  # loads its model while the template is being deployed
            self.emulator.wait_until_ready(30)
            self.outputs = deploy(self.session, self.aws_url, self.parameters)
            self.endpoint = self._async_endpoint()
            self.endpoint.start(self._kept_open)
            self.close_interrupted_jobs()
            self.endpoint.wait_until_ready(30)
            self.inference.wait_until_ready(240)  # its first start exports the model
        except BaseException:
            self.stop()
            raise
        (self.home / "stack.json").write_text(self.addresses.model_dump_json(indent=2))
        return self

    def stop(self) -> None:
        (self.home / "stack.json").unlink(missing_ok=True)
        for process in self.processes:  # the emulator last: it saves the state
            process.stop()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # -- use ----------------------------------------------------------------------------------------

    @property
    def processes(self) -> list[Process]:
        return [process for process in (self.endpoint, self.inference, self.emulator) if process is not None]

    @property
    def session(self) -> boto3.Session:
        return session()

    def client(self, service: str) -> Any:
        return self.session.client(service, endpoint_url=self.aws_url)

    @property
    def api_url(self) -> str:
        return f"{self.aws_url}/_aws/execute-api/{self.outputs['ApiId']}/v1"

    @property
    def addresses(self) -> Addresses:
        return Addresses(
            aws_url=self.aws_url,
            api_url=self.api_url,
            inference_url=self.inference_url,
            async_url=self.async_url,
            outputs=self.outputs,
        )

    def token(self, email: str = LOCAL_USER) -> str:
        return self.addresses.token(email)

    def function(self, logical_id: str) -> str:
        """The name that a function of the template got."""
        found = self.client("cloudformation").describe_stack_resource(StackName=STACK, LogicalResourceId=logical_id)
        return str(found["StackResourceDetail"]["PhysicalResourceId"])

    def close_interrupted_jobs(self) -> None:
        """Executions do not survive a restart of the emulator; on AWS a rule closes the jobs of stopped ones."""
        states = self.client("stepfunctions")
        table = self.session.resource("dynamodb", endpoint_url=self.aws_url).Table(self.outputs["JobsTableName"])
        pages = states.get_paginator("list_executions").paginate(
            stateMachineArn=self.outputs["StateMachineArn"], statusFilter="FAILED"
        )
        for execution in (execution for page in pages for execution in page["executions"]):
            job = table.get_item(Key={"job_id": execution["name"]}).get("Item", {})
            if job.get("status") == "processing":
                event = {"job_id": execution["name"], "error": {"code": "internal_error", "cause": "stack restarted"}}
                self.client("lambda").invoke(
                    FunctionName=self.function("CloseJobFunction"), Payload=json.dumps(event).encode()
                )

    # -- parts --------------------------------------------------------------------------------------

    def _emulator(self) -> Process:
        return self._process(
            "AWS emulator",
            ["infra.local.emulator"],
            f"{self.aws_url}/_ministack/health",
            {
                "GATEWAY_PORT": str(self.ports["aws"]),
                "BIND_HOST": "127.0.0.1",
                "MINISTACK_HOST": "127.0.0.1",
                "MINISTACK_REGION": REGION,
                "PERSIST_STATE": "1",
                "STATE_DIR": str(self.home / "state"),
                "S3_PERSIST": "1",
                "S3_DATA_DIR": str(self.home / "s3"),
                "TMPDIR": str(self.temporary),
                "IOT_MTLS_ENABLED": "0",
                "SFTP_ENABLED": "0",
                "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": self.async_url,
            },
        )

    def _async_endpoint(self) -> Process:
        bucket = self.outputs["ArtifactsBucketName"]
        options = {
            "--port": str(self.ports["async"]),
            "--endpoint-name": ENDPOINT_NAME,
            "--inference-url": self.inference_url,
            "--s3-endpoint": self.aws_url,
            "--sns-endpoint": self.aws_url,
            "--success-topic": self.outputs["ScoringSuccessTopicArn"],
            "--error-topic": self.outputs["ScoringErrorTopicArn"],
            "--output": f"s3://{bucket}/endpoint/output",
            "--failure": f"s3://{bucket}/endpoint/failure",
            "--state-dir": str(self.home / "endpoint"),
        }
        arguments = ["infra.local.async_endpoint", *(part for option in options.items() for part in option)]
        return self._process("asynchronous endpoint", arguments, f"{self.async_url}/ping")

    def _process(
        self, name: str, arguments: list[str], ready_url: str, environment: dict[str, str] | None = None
    ) -> Process:
        log = self.home / "logs" / f"{name.replace(' ', '-').lower()}.log"
        return Process(name, arguments, ready_url, log, environment or {})

    def _ports(self) -> dict[str, int]:
        """The ports of the last start where they are still free: links given out before keep working."""
        before = json.loads(self.known_ports.read_text()) if self.known_ports.exists() else {}
        return {name: free_port(before.get(name)) for name in ("aws", "inference", "async")}

    def _take_lock(self) -> None:
        make_private(self.home)
        self._lock = (self.home / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            self._lock = None
            raise AlreadyRunning(f"A stack is running already on {self.home}.") from None

    @property
    def _kept_open(self) -> tuple[int, ...]:
        """The lock belongs to every part: no second stack may start on this folder while one of them still saves."""
        assert self._lock is not None
        return (self._lock.fileno(),)


def running_stack(home: Path) -> Addresses | None:
    """The stack that some other process has up on this folder, if any."""
    path = home / "stack.json"
    if not path.exists():
        return None
    with (home / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # somebody holds it: the stack is alive
            return Addresses.model_validate_json(path.read_text())
    return None
