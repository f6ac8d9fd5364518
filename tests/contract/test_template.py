"""What template.yaml promises: every handler exists, has an example event and a role of its own size."""

from __future__ import annotations

import importlib
import json
import re
from typing import Any

import pytest
import yaml
from botocore.loaders import Loader
from packaging.version import Version

from functions.core.transient import Transient
from infra.local.package import ROOT, load_template
from model_src.serving.__main__ import GPU_BATCH
from model_src.serving.server import ServerSettings

RESOURCES = load_template()["Resources"]
FUNCTIONS = {name: r["Properties"] for name, r in RESOURCES.items() if r["Type"] == "AWS::Serverless::Function"}
MACHINE = yaml.safe_load((ROOT / "infra/statemachines/analyze_video.asl.yaml").read_text())
STEPS = ["Register", "Validate", "Split", "Score", "Aggregate", "Calibrate", "Explain", "Complete"]


def handler_of(properties: dict[str, Any]) -> str:
    return str(properties.get("Handler") or properties["ImageConfig"]["Command"][0])


def statements(properties: dict[str, Any]) -> list[dict[str, Any]]:
    return [statement for policy in properties["Policies"] for statement in policy["Statement"]]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_has_a_handler_that_exists(name: str) -> None:
    module, attribute = handler_of(FUNCTIONS[name]).rsplit(".", 1)
    assert callable(getattr(importlib.import_module(module), attribute))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_has_an_example_event(name: str) -> None:
    example = ROOT / "events" / f"{handler_of(FUNCTIONS[name]).split('.')[1]}.json"
    assert json.loads(example.read_text())


def test_every_example_event_belongs_to_a_function() -> None:
    handlers = {handler_of(properties).split(".")[1] for properties in FUNCTIONS.values()}
    assert {path.stem for path in (ROOT / "events").glob("*.json")} == handlers


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_role_names_what_it_uses_and_nothing_more(name: str) -> None:
    for statement in statements(FUNCTIONS[name]):
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        assert all("*" not in action for action in actions)
        assert statement["Resource"] != "*"
        resources = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
        # A whole bucket only where names are other people's (uploads), and where links are signed (the API's results).
        whole = {"${UploadsBucket.Arn}/*", *(["${ResultsBucket.Arn}/*"] if name == "ApiFunction" else [])}
        named = {str(resource["Fn::Sub"]) for resource in resources if "Fn::Sub" in resource}
        assert {text for text in named if text.endswith("Bucket.Arn}/*")} <= whole


@pytest.mark.parametrize(
    ("image", "repository"),
    [
        ("123456789012.dkr.ecr.eu-west-1.amazonaws.com/aura:1.0", "aura"),
        ("123456789012.dkr.ecr.eu-west-1.amazonaws.com/aura@sha256:ab", "aura"),
        ("123456789012.dkr.ecr.eu-west-1.amazonaws.com/aura", "aura"),
        ("123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/aura:1.0", "team/aura"),
        ("none", ""),
    ],
)
def test_the_endpoint_reads_the_repository_of_its_image_and_none_of_another_name(image: str, repository: str) -> None:
    role = RESOURCES["EndpointRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    [pull] = [statement for statement in role if "ecr:BatchGetImage" in statement["Action"]]
    text, names = pull["Resource"]["Fn::Sub"]

    def value(part: Any) -> Any:
        match part:
            case {"Fn::Select": [index, list_]}:
                return value(list_)[int(index)]
            case {"Fn::Split": [by, source]}:
                return value(source).split(by)
            case {"Fn::Sub": source}:
                return source.replace("${InferenceImageUri}", image)
        raise AssertionError(part)

    allowed = text.rpartition("repository/")[2].replace("${Name}", value(names["Name"]))
    assert allowed.endswith("*")
    assert repository.startswith(allowed[:-1])
    assert allowed[:-1] == repository.split("/")[0]


@pytest.mark.parametrize("name", ["UploadsBucket", "ArtifactsBucket", "ResultsBucket", "ModelsBucket"])
def test_buckets_are_private_encrypted_forgetful_and_tls_only(name: str) -> None:
    bucket = RESOURCES[name]["Properties"]
    assert all(bucket["PublicAccessBlockConfiguration"].values())
    assert bucket["BucketEncryption"]
    assert all(rule["Status"] == "Enabled" for rule in bucket["LifecycleConfiguration"]["Rules"])
    [deny] = RESOURCES[f"{name}TlsOnly"]["Properties"]["PolicyDocument"]["Statement"]
    assert (deny["Effect"], deny["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


def test_work_files_die_after_a_day() -> None:
    [rule] = RESOURCES["ArtifactsBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    assert rule["ExpirationInDays"] == 1


def test_the_state_machine_reads_as_the_sentence() -> None:
    order = [name for name in MACHINE["States"] if name in STEPS]
    assert order == STEPS


def tasks(states: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    found = []
    for name, state in states.items():
        if state["Type"] == "Task":
            found.append((name, state))
        if "ItemProcessor" in state:
            found += tasks(state["ItemProcessor"]["States"])
    return found


@pytest.mark.parametrize(("name", "state"), tasks(MACHINE["States"]))
def test_every_task_has_a_timeout_and_says_what_it_retries(name: str, state: dict[str, Any]) -> None:
    assert "TimeoutSeconds" in state
    assert all("States.ALL" not in retry["ErrorEquals"] for retry in state["Retry"])
    asleep, *others = state["Retry"]  # after weeks without work Lambda wakes a function up first, and says so meanwhile
    assert "Lambda.CodeArtifactUserPendingException" in asleep["ErrorEquals"]
    assert "Lambda.TooManyRequestsException" in asleep["ErrorEquals"]
    waits = [min(asleep["IntervalSeconds"] * 2**n, asleep["MaxDelaySeconds"]) for n in range(asleep["MaxAttempts"])]
    assert sum(waits) / 2 > 2 * 106  # chance halves it on average; waking up was seen to take 106 seconds
    if name != "ScoreChunk":  # which tells its faults through the token
        assert any(Transient.__name__ in retry["ErrorEquals"] for retry in others)


@pytest.mark.parametrize(("name", "state"), tasks(MACHINE["States"]))
def test_a_function_ends_by_its_own_time_limit_before_the_workflow_gives_it_up(
    name: str, state: dict[str, Any]
) -> None:
    """Else it goes on, unseen, beside the next attempt."""
    if name == "ScoreChunk":  # which ends at once; its state waits for the endpoint
        return
    function = state["Resource"].strip("${}")
    own = FUNCTIONS[function].get("Timeout", load_template()["Globals"]["Function"]["Timeout"])
    assert state["TimeoutSeconds"] >= own + 30


def test_what_two_models_scored_is_scored_again_and_in_the_end_given_up_with_a_reason() -> None:
    state = MACHINE["States"]["OneModel"]
    go_on, again = state["Choices"]
    assert (go_on["Next"], again["Next"]) == ("Calibrate", "Score")
    assert "$scoring_round < 3" in again["Condition"]
    assert MACHINE["States"]["Register"]["Assign"]["scoring_round"] == 1
    assert state["Default"] == "Fail"
    assert state["Assign"]["failure"]["code"] == "internal_error"


def test_what_took_a_quarter_of_an_hour_is_not_done_again_for_having_taken_too_long() -> None:
    retried = [name for retry in MACHINE["States"]["Split"]["Retry"] for name in retry["ErrorEquals"]]
    assert not {"States.Timeout", "Sandbox.Timedout", "Lambda.Unknown"} & set(retried)


def test_a_verdict_that_cannot_be_drawn_is_still_told() -> None:
    assert [catch["Next"] for catch in MACHINE["States"]["Explain"]["Catch"]] == ["Complete"]


@pytest.mark.parametrize("name", [step for step in STEPS if step != "Explain"])
def test_whatever_goes_wrong_in_a_step_ends_in_the_one_fail_path(name: str) -> None:
    catches = MACHINE["States"][name]["Catch"]
    assert "States.ALL" in catches[-1]["ErrorEquals"]
    assert {catch["Next"] for catch in catches} == {"Fail"}


def test_the_endpoint_can_publish_its_notices_and_leave_zero_instances() -> None:
    role = RESOURCES["EndpointRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    assert any(statement["Action"] == "sns:Publish" for statement in role)
    output = RESOURCES["EndpointConfig"]["Properties"]["AsyncInferenceConfig"]["OutputConfig"]
    assert "S3FailurePath" in output
    assert RESOURCES["EndpointCapacity"]["Properties"]["MinCapacity"] == 0
    assert RESOURCES["BacklogWithoutCapacity"]["Properties"]["MetricName"] == "HasBacklogWithoutCapacity"
    for name in ("Model", "EndpointConfig"):
        assert f"{name}Name" not in RESOURCES[name]["Properties"]


def test_the_endpoints_log_is_ours_before_sagemaker_makes_one_to_keep_for_ever() -> None:
    log, endpoint = RESOURCES["EndpointLog"]["Properties"], RESOURCES["Endpoint"]
    assert log["LogGroupName"] == {"Fn::Sub": "/aws/sagemaker/Endpoints/${AWS::StackName}"}
    assert endpoint["Properties"]["EndpointName"] == {"Ref": "AWS::StackName"}
    assert endpoint["DependsOn"] == "EndpointLog"


def test_the_endpoint_may_write_its_answers_and_nobody_elses_work() -> None:
    role = RESOURCES["EndpointRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    [write] = [statement for statement in role if "s3:PutObject" in statement["Action"]]
    output = RESOURCES["EndpointConfig"]["Properties"]["AsyncInferenceConfig"]["OutputConfig"]
    assert write["Resource"] == {"Fn::Sub": "${ArtifactsBucket.Arn}/endpoint/*"}
    for path in ("S3OutputPath", "S3FailurePath"):
        assert output[path]["Fn::Sub"].startswith("s3://${ArtifactsBucket}/endpoint/")


def test_staging_and_production_in_one_account_do_not_share_a_metric() -> None:
    named = {"Ref": "AWS::StackName"}
    variables = load_template()["Globals"]["Function"]["Environment"]["Variables"]
    assert variables["POWERTOOLS_SERVICE_NAME"] == named
    assert RESOURCES["OldestRunningJobAlarm"]["Properties"]["Dimensions"] == [{"Name": "service", "Value": named}]


def test_the_endpoints_driver_knows_the_cuda_of_the_serving_image() -> None:
    """Left to itself SageMaker starts the instance with a driver for CUDA 11, on which the container does not start."""
    variant = Loader().load_service_model("sagemaker", "service-2")["shapes"]["ProductionVariant"]["members"]
    text = variant["InferenceAmiVersion"]["documentation"]
    known = dict(re.findall(r"<dt>([\w-]+-gpu-[\w-]+)</dt>.*?CUDA version: ([\d.]+)", text, re.DOTALL))
    dockerfile = (ROOT / "containers/inference/Dockerfile").read_text()
    image = re.search(r"FROM nvidia/cuda:(\d+\.\d+)", dockerfile)
    assert image is not None
    parameters = load_template()["Parameters"]
    assert Version(known[parameters["EndpointAmiVersion"]["Default"]]) >= Version(image[1])
    (main,) = RESOURCES["EndpointConfig"]["Properties"]["ProductionVariants"]
    assert main["InferenceAmiVersion"]["Fn::If"][1] == {"Ref": "EndpointAmiVersion"}


def test_the_endpoint_is_allowed_by_its_own_arn_whose_case_its_name_does_not_tell() -> None:
    allowed = statements(FUNCTIONS["ScoreChunkFunction"])[-1]
    assert allowed["Action"] == "sagemaker:InvokeEndpointAsync"
    assert allowed["Resource"]["Fn::If"][:2] == ["HasSageMaker", {"Ref": "Endpoint"}]


def test_the_alarm_on_failures_looks_where_sagemaker_counts_them() -> None:
    """By endpoint and variant; with one of them alone the alarm would see no data and stay quiet."""
    alarm, config = (RESOURCES[name]["Properties"] for name in ("EndpointErrorsAlarm", "EndpointConfig"))
    dimensions = {dimension["Name"]: dimension["Value"] for dimension in alarm["Dimensions"]}
    assert dimensions["VariantName"] == config["ProductionVariants"][0]["VariantName"]
    assert "EndpointName" in dimensions


def test_an_instance_is_sent_what_a_gpu_scores_together_and_no_more_than_a_processor_has_places_for() -> None:
    client = RESOURCES["EndpointConfig"]["Properties"]["AsyncInferenceConfig"]["ClientConfig"]
    _, gpu, processor = client["MaxConcurrentInvocationsPerInstance"]["Fn::If"]
    assert gpu == GPU_BATCH
    assert processor <= ServerSettings.queue_size


@pytest.mark.parametrize("name", ["ValidateFunction", "SplitFunction", "ExplainFunction"])
def test_whoever_opens_the_video_is_told_what_is_accepted(name: str) -> None:
    """Or it would go by its own limits, and refuse at the end what was taken at the start."""
    variables = FUNCTIONS[name]["Environment"]["Variables"]
    assert variables["MAX_VIDEO_SECONDS"] == {"Ref": "MaxVideoSeconds"}
    assert variables["MAX_UPLOAD_BYTES"] == {"Ref": "MaxUploadBytes"}


def test_nothing_of_sagemaker_is_made_without_the_condition() -> None:
    for resource in RESOURCES.values():
        if resource["Type"].startswith(("AWS::SageMaker", "AWS::ApplicationAutoScaling")):
            assert resource["Condition"] in ("HasSageMaker", "HasRetraining")
    assert load_template()["Conditions"]["HasRetraining"]["Fn::And"][0] == {"Condition": "HasSageMaker"}


def test_preflight_requests_are_answered_without_a_token() -> None:
    assert RESOURCES["Api"]["Properties"]["Auth"]["AddDefaultAuthorizerToCorsPreflight"] is False
