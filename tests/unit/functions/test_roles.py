"""What the functions do, from upload to verdict, is what the roles of template.yaml allow, and little beside it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest

from functions import aggregate, calibrate, close_job, explain, register, resume_scoring, score_chunk, split, validate
from functions.core import wiring
from functions.core.scoring_calls import item_key
from functions.core.uploads import Upload
from infra.local.package import load_template
from tests.media import talking_head
from tests.unit.functions.test_scoring import FAILURE, OUTPUT, Endpoint, Workflow
from tests.unit.functions.test_steps import scores

RESOURCES = load_template()["Resources"]
ARNS = {
    "JobsTable": "arn:aws:dynamodb:::jobs",
    "UploadsBucket": "arn:aws:s3:::uploads",
    "ArtifactsBucket": "arn:aws:s3:::artifacts",
    "ResultsBucket": "arn:aws:s3:::results",
}


class Call(NamedTuple):
    action: str
    resource: str
    context: dict[str, list[str]] = {}  # noqa: RUF012 - never written to


class Calls:
    """Every call to S3 and DynamoDB, by the function that made it."""

    def __init__(self) -> None:
        self.by: dict[str, list[Call]] = defaultdict(list)
        self.now: str | None = None

    @contextmanager
    def of(self, function: str) -> Iterator[None]:
        self.now = function
        yield
        self.now = None

    def s3(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        action = {"HeadObject": "s3:GetObject"}.get(model.name, f"s3:{model.name}")
        if "VersionId" in params:
            action += "Version"
        self._add(Call(action, f"arn:aws:s3:::{params['Bucket']}/{params['Key']}"))

    def dynamodb(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        key = params.get("Key") or params["Item"]
        names = {*params.get("ExpressionAttributeNames", {}).values(), "job_id"}
        written = re.sub(r"attribute_(not_)?exists|if_not_exists|[#:]\w+", "", params.get("UpdateExpression", ""))
        names |= set(re.findall(r"[a-z_]+", written))
        context = {"dynamodb:LeadingKeys": [key["job_id"]], "dynamodb:Attributes": sorted(names)}
        if "ReturnValues" in params:
            context["dynamodb:ReturnValues"] = [params["ReturnValues"]]
        self._add(Call(f"dynamodb:{model.name}", ARNS["JobsTable"], context))

    def _add(self, call: Call) -> None:
        if self.now:
            self.by[self.now].append(call)


def is_allowed(function: str, call: Call) -> bool:
    policies = RESOURCES[function]["Properties"]["Policies"]
    return any(covers(statement, call) for policy in policies for statement in policy["Statement"])


def covers(statement: dict[str, Any], call: Call) -> bool:
    actions, resources = as_list(statement["Action"]), as_list(statement["Resource"])
    return (
        call.action in actions
        and any(fnmatchcase(call.resource, arn(resource)) for resource in resources)
        and all(
            holds(operator, call.context.get(key, []), as_list(wanted))
            for operator, keys in statement.get("Condition", {}).items()
            for key, wanted in keys.items()
        )
    )


def holds(operator: str, found: list[str], wanted: list[str]) -> bool:
    assert operator in ("ForAllValues:StringEquals", "ForAllValues:StringLike", "StringEqualsIfExists")
    return all(any(fnmatchcase(value, pattern) for pattern in wanted) for value in found)


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def arn(resource: dict[str, Any]) -> str:
    """As CloudFormation would write it, of the table and the buckets; of anything else something that fits none."""
    if "Fn::GetAtt" in resource:
        got = resource["Fn::GetAtt"]
        return ARNS.get((got if isinstance(got, list) else got.split("."))[0], "")
    text = resource.get("Fn::Sub", "")
    return re.sub(r"\$\{(\w+)\.Arn\}", lambda found: ARNS[found[1]], text) if isinstance(text, str) else ""


@pytest.fixture
def calls(
    aws: SimpleNamespace,
    context: SimpleNamespace,
    example: Callable[[str], dict[str, Any]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Calls:
    """One video all the way through the real handlers."""
    calls, real, endpoint, workflow = Calls(), wiring.client, Endpoint(), Workflow()
    real("s3").meta.events.register("provide-client-params.s3", calls.s3)
    wiring.table().meta.client.meta.events.register_first("provide-client-params.dynamodb", calls.dynamodb)
    fakes = {"sagemaker-runtime": endpoint, "stepfunctions": workflow}
    monkeypatch.setattr(wiring, "client", lambda service: fakes.get(service) or real(service))

    video = talking_head(tmp_path / "clip.mp4", seconds=2).read_bytes()
    version = aws.s3.put_object(Bucket="uploads", Key="users/ada/clip.mp4", Body=video)["VersionId"]
    upload = Upload(bucket="uploads", key="users/ada/clip.mp4", version=version, size=len(video))
    job = {"job_id": upload.job_id}
    opened = job | {"upload": upload.model_dump()}
    for function, module in (("Register", register), ("Validate", validate), ("Split", split)):
        with calls.of(f"{function}Function"):
            answer = module.handler(opened, context)
    assert answer["accepted"]
    asked = job | {"chunk": answer["chunks"][0], "chunks": 1, "token": "first"}
    for token in ("first", "second"):  # the second finds the answer to the first
        with calls.of("ScoreChunkFunction"):
            score_chunk.handler(asked | {"token": token}, context)
        aws.files.write_model(OUTPUT, scores(0, 4.0))
    aws.files.write(FAILURE, b"why", "text/plain")
    notice = {"inferenceId": endpoint.calls[0]["InferenceId"], "responseParameters": {"outputLocation": OUTPUT}}
    for status in ("Completed", "Failed"):
        with calls.of("ResumeScoringFunction"):
            resume_scoring.resume(notice | {"invocationStatus": status})
    with calls.of("AggregateFunction"):
        aggregate.handler(job | {"scores": [{"index": 0, "location": OUTPUT}]}, context)
    with calls.of("CalibrateFunction"):
        calibrate.handler(job, context)
    with calls.of("ExplainFunction"):
        assert explain.handler(opened, context) == {"pictures": 1}
    with calls.of("CloseJobFunction"):
        assert close_job.handler(job, context)["closed"]
    return calls


def test_every_role_allows_what_its_function_does_and_no_object_that_it_leaves_alone(calls: Calls) -> None:
    assert len(calls.by) == 9
    refused = [(name, call) for name, made in calls.by.items() for call in made if not is_allowed(name, call)]
    assert refused == []

    objects = {(call.action, call.resource) for made in calls.by.values() for call in made if "s3" in call.action}
    for name, made in calls.by.items():
        own = {(call.action, call.resource) for call in made}
        assert {seen for seen in objects if is_allowed(name, Call(*seen))} - own == set(), name


OWNED = {"dynamodb:LeadingKeys": ["a" * 32], "dynamodb:Attributes": ["job_id", "owner"]}
READ = {"dynamodb:LeadingKeys": ["a" * 32], "dynamodb:Attributes": ["status"], "dynamodb:ReturnValues": ["ALL_NEW"]}


@pytest.mark.parametrize("name", ["ValidateFunction", "SplitFunction", "ExplainFunction"])
def test_what_opens_a_video_cannot_give_a_job_away_nor_read_one(name: str) -> None:
    table = ARNS["JobsTable"]
    for action, context in (("UpdateItem", OWNED), ("UpdateItem", READ), ("GetItem", OWNED), ("PutItem", OWNED)):
        assert not is_allowed(name, Call(f"dynamodb:{action}", table, context))
    assert not is_allowed(name, Call("s3:GetObject", f"{ARNS['UploadsBucket']}/users/ada/clip.mp4"))
    assert not is_allowed(name, Call("s3:GetObject", f"{ARNS['ResultsBucket']}/{'a' * 32}/result.json"))


def test_who_hands_over_chunks_writes_no_job() -> None:
    table, chunk = ARNS["JobsTable"], item_key("a" * 32, 0)
    for key, expected in ((chunk, True), ("a" * 32, False)):
        call = Call("dynamodb:PutItem", table, {"dynamodb:LeadingKeys": [key]})
        assert is_allowed("ScoreChunkFunction", call) is expected
