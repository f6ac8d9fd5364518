"""Plays a state machine of ours on the emulator's interpreter, with doubles of AWS behind what it asks of services.

The emulator knows no SageMaker as a service of a state machine, and moto's interpreter no JSONata: so the one calls the
other. Every request is held against AWS's own description of the service.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import boto3
import pytest
from botocore import xform_name
from botocore.exceptions import ClientError
from botocore.validate import validate_parameters
from ministack.services import stepfunctions

from infra.local.package import ROOT, definition_json

PLACEHOLDER = re.compile(r"\$\{(\w+)\}")
SDK = re.compile(r"arn:aws:states:::(?:aws-sdk:)?(\w+):(\w+?)(?:\.sync)?$")
Service = Callable[[dict[str, Any]], Any]


@dataclass
class Played:
    status: str
    path: list[str]  # the states, in the order in which they were entered
    told: list[dict[str, Any]] = field(default_factory=list)  # what was published
    waited: list[float] = field(default_factory=list)  # seconds, between attempts and in Wait states

    @property
    def message(self) -> str:
        [only] = self.told
        return str(only["Message"])


@cache
def client(service: str) -> Any:
    """Made once: SageMaker's description alone takes a second to read."""
    return boto3.client(service)


class Machine:
    """`services` answer in the place of moto; "sns:publish" is always only heard."""

    def __init__(self, name: str, monkeypatch: pytest.MonkeyPatch, **substitutions: str) -> None:
        text = definition_json(ROOT / "infra" / "statemachines" / f"{name}.asl.yaml")
        assert set(PLACEHOLDER.findall(text)) == substitutions.keys()
        self.definition = PLACEHOLDER.sub(lambda found: substitutions[found[1]], text)
        self.services: dict[str, Service] = {}
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self._played = Played("", [])
        self._monkeypatch = monkeypatch

    def play(self, event: dict[str, Any] | None = None) -> Played:
        self._played = Played("", [])
        self._stand_in()
        call = {
            "name": f"m{uuid.uuid4().hex}",
            "definition": self.definition,
            "roleArn": "arn:aws:iam::000000000000:role/m",
        }
        machine = ask("CreateStateMachine", call)["stateMachineArn"]
        # As EventBridge Scheduler names them: with a character that no training job may have.
        name = f"{uuid.uuid4()}_{uuid.uuid4()}"[:80]
        execution = ask("StartExecution", {"stateMachineArn": machine, "name": name, "input": json.dumps(event or {})})
        arn = {"executionArn": execution["executionArn"]}
        while (described := ask("DescribeExecution", arn))["status"] == "RUNNING":
            time.sleep(0.02)
        events = ask("GetExecutionHistory", arn | {"maxResults": 1000})["events"]
        entered = [each["stateEnteredEventDetails"]["name"] for each in events if "stateEnteredEventDetails" in each]
        self._played.status, self._played.path = described["status"], entered
        assert self._played.path, described
        return self._played

    def requests(self, action: str) -> list[dict[str, Any]]:
        return [given for asked, given in self.asked if asked == action]

    def _stand_in(self) -> None:
        self._monkeypatch.setattr(stepfunctions, "_invoke_resource", self._invoke)
        self._monkeypatch.setattr(
            stepfunctions, "_invoke_resource_with_timeout", lambda resource, given, _: self._invoke(resource, given)
        )
        self._monkeypatch.setattr(stepfunctions, "_scaled_sleep", lambda seconds: self._played.waited.append(seconds))

    def _invoke(self, resource: str, given: dict[str, Any]) -> Any:
        found = SDK.match(resource)
        assert found is not None, resource
        service, action = found.groups()
        self.asked.append((action, given))
        try:
            hold_against(client(service).meta.service_model.operation_model(upper(action)).input_shape, given)
            if service == "sns":
                self._played.told.append(given)
                return {"MessageId": "1"}
            answer = self.services.get(action, lambda asked: call_aws(service, action, asked))(given)
        except ClientError as error:
            name = f"{'SageMaker' if service == 'sagemaker' else 'CloudFormation'}.{error.response['Error']['Code']}"
            raise stepfunctions._ExecutionError(name, str(error)) from error
        return json.loads(json.dumps(answer, default=str))


def hold_against(shape: Any, given: Any) -> None:
    """Names, types and required fields, and what botocore leaves to the service: patterns, lengths, ranges, words."""
    if shape.type_name == "structure":
        validate_parameters(given, shape)
    match given:
        case dict():
            members = shape.members if shape.type_name == "structure" else dict.fromkeys(given, shape.value)
            for name, value in given.items():
                hold_against(members[name], value)
        case list():
            for value in given:
                hold_against(shape.member, value)
        case str():
            pattern = shape.metadata.get("pattern", "")
            known = pattern and r"\p{" not in pattern  # of which Python's expressions know nothing
            assert not known or re.fullmatch(pattern, given), (shape.name, given)
            assert given in (shape.enum or [given]), (shape.name, given)
    if "max" in shape.metadata:
        assert (given if isinstance(given, int) else len(given)) <= shape.metadata["max"], (shape.name, given)


def upper(action: str) -> str:
    return action[0].upper() + action[1:]


def call_aws(service: str, action: str, given: dict[str, Any]) -> Any:
    return getattr(client(service), xform_name(upper(action)))(**given)


def failing(name: str, cause: str = "") -> Service:
    def fail(_: dict[str, Any]) -> Any:
        raise stepfunctions._ExecutionError(name, cause)

    return fail


def ask(action: str, given: dict[str, Any]) -> Any:
    headers = {"x-amz-target": f"AWSStepFunctions.{action}"}
    status, _, body = asyncio.run(stepfunctions.handle_request("POST", "/", headers, json.dumps(given).encode(), {}))
    assert status == 200, body
    return json.loads(body)
