"""What a month brings: a model that waits for a person, with the figures to decide by; approved, it is in service."""

from __future__ import annotations

import itertools
import json
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws

from functions.core.files import parse
from infra.local.package import load_template
from infra.training.order import Order
from model_src.data.made_clips import make_dataset
from tests.unit.retraining.play import Machine, Service, client, failing
from tests.unit.retraining.stack import FIRST, Stack
from tests.unit.serving.packed import packed, packed_small_model
from tests.unit.training_job.tree import TINY, start, tell

REGION = "eu-central-1"
IMAGE = f"123456789012.dkr.ecr.{REGION}.amazonaws.com/aura-training:1"
ROLE = "arn:aws:iam::123456789012:role/training"
MODELS = "aura-models"
NO_FIGURES = "No figures on test videos: there were none of both classes, or the figures got lost. Look at its report"
COMMON = {"Partition": "aws", "StackId": "aura", "Topic": f"arn:aws:sns:{REGION}:123456789012:alarms"}


@pytest.fixture(autouse=True)
def _aws() -> Iterator[None]:
    with mock_aws():
        client("s3").create_bucket(Bucket=MODELS, CreateBucketConfiguration={"LocationConstraint": REGION})
        yield


@pytest.fixture
def group() -> str:
    client("sagemaker").create_model_package_group(ModelPackageGroupName="aura-models")
    return "aura-models"


@pytest.fixture
def stack() -> Stack:
    return Stack()


@pytest.fixture
def retraining(group: str, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return retraining_with(group, stack, monkeypatch)


def retraining_with(group: str, stack: Stack, monkeypatch: pytest.MonkeyPatch, **changes: str) -> Machine:
    plain = {
        "Stack": "aura",
        "TrainingRole": ROLE,
        "TrainingImage": IMAGE,
        "Settings": "model=contract-v1, stop.epochs=3",
        "Data": "s3://videos/ff",
        "Weights": "",
        "Instance": "ml.g5.xlarge",
        "DiskGb": "200",
        "Output": f"s3://{MODELS}/training",
        "Group": group,
        "InferenceImage": IMAGE.replace("-training", ""),
    }
    machine = Machine("retrain", monkeypatch, **COMMON | plain | changes)
    machine.services |= {"describeStacks": stack.describe, "createTrainingJob": trained()}
    return machine


@pytest.fixture
def promotion(group: str, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine("promote_model", monkeypatch, **COMMON, Group=group)
    machine.services |= {"describeStacks": stack.describe, "updateStack": stack.update}
    return machine


def trained(**figures: float) -> Service:
    """A training job that ends at once, having printed these figures."""

    def train(asked: dict[str, Any]) -> dict[str, Any]:
        client("sagemaker").create_training_job(**asked)
        return described(asked, {name.replace("__", ":"): value for name, value in figures.items()})

    return train


def described(asked: dict[str, Any], figures: dict[str, float]) -> dict[str, Any]:
    archive = f"{asked['OutputDataConfig']['S3OutputPath']}/{asked['TrainingJobName']}/output/model.tar.gz"
    metrics = [{"MetricName": name, "Value": value} for name, value in figures.items()]
    told: dict[str, Any] = {"ModelArtifacts": {"S3ModelArtifacts": archive}, "TrainingJobStatus": "Completed"}
    return told | ({"FinalMetricDataList": metrics} if metrics else {})


def packages() -> list[dict[str, Any]]:
    """Newest first."""
    sagemaker = client("sagemaker")
    found = sagemaker.list_model_packages(ModelPackageGroupName="aura-models")["ModelPackageSummaryList"]
    names = sorted((each["ModelPackageArn"] for each in found), key=lambda arn: -int(arn.rpartition("/")[2]))
    return [sagemaker.describe_model_package(ModelPackageName=name) for name in names]


def answer(package: dict[str, Any], verdict: str = "Approved") -> None:
    """What a person does in the console, or with the command of the message."""
    arn = package["ModelPackageArn"]
    client("sagemaker").update_model_package(ModelPackageArn=arn, ModelApprovalStatus=verdict)


def register(group: str, url: str) -> dict[str, Any]:
    client("sagemaker").create_model_package(
        ModelPackageGroupName=group,
        ModelApprovalStatus="PendingManualApproval",
        InferenceSpecification={
            "Containers": [{"Image": IMAGE, "ModelDataUrl": url}],
            "SupportedContentTypes": ["application/octet-stream"],
            "SupportedResponseMIMETypes": ["application/json"],
        },
    )
    return packages()[0]


# --- the whole way ----------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_months_videos_become_a_model_that_approval_puts_in_service(
    group: str, stack: Stack, promotion: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The training container's own command runs where SageMaker would run it."""
    videos = make_dataset(tmp_path / "videos", per_split={"train": 2, "val": 2, "test": 4}, seconds=1.2)
    (videos / "learner.yaml").write_text(TINY["model"])
    for path in (path for path in videos.rglob("*") if path.is_file()):
        client("s3").upload_file(str(path), MODELS, f"videos/{path.relative_to(videos)}")
    stack.parameters["ModelDataUrl"] = f"s3://{MODELS}/by-hand/model.tar.gz"
    client("s3").upload_file(str(packed_small_model(tmp_path, "by-hand")), MODELS, "by-hand/model.tar.gz")
    root = tmp_path / "ml"
    settings = {name: value for name, value in TINY.items() if not name.startswith("_")}
    settings |= {"model": f"{root}/input/data/training/learner.yaml"}
    machine = retraining_with(
        group, stack, monkeypatch, Data=f"s3://{MODELS}/videos",
        Settings=", ".join(f"{name}={value}" for name, value in settings.items()),
    )  # fmt: skip
    machine.services["createTrainingJob"] = lambda asked: run_container(asked, root)
    played = machine.play()
    assert played.path == ["FindModelInService", "Train", "OpenGroup", "Register", "Tell"]
    assert played.status == "SUCCEEDED"
    assert re.search(
        r"waits for your approval. AUC \d\.\d{3} \(95 %: .*\) on 4 test videos. The model in service: \d\.\d{3}\. "
        r"Difference: -?\d\.\d{3} \(95 %: ",
        played.message,
    )
    [package] = packages()
    assert package["ModelApprovalStatus"] == "PendingManualApproval"
    assert package["ModelPackageDescription"] in played.message.replace(" is trained and waits for your approval.", ":")

    answer(package)
    assert promotion.play().path[-1] == "Tell"
    assert stack.parameters["ModelDataUrl"].endswith("/output/model.tar.gz")
    archive = tmp_path / "served.tar.gz"
    client("s3").download_file(*parse(stack.parameters["ModelDataUrl"]), str(archive))
    with tarfile.open(archive) as tar:
        assert {"manifest.json", "model.safetensors", "model_card.md"} <= set(tar.getnames())
        card, results = (tar.extractfile(name) for name in ("model_card.md", "evaluation.json"))
        assert card is not None
        assert results is not None
        assert "The model in service, by-hand, has an AUC of" in card.read().decode()
        assert json.load(results)["in_service"]["videos"] == 4


def run_container(asked: dict[str, Any], root: Path) -> dict[str, Any]:
    """As SageMaker does it: channels copied in, the command run, metrics read from its lines, the model carried out."""
    s3 = client("s3")
    for channel in asked["InputDataConfig"]:
        bucket, prefix = parse(channel["DataSource"]["S3DataSource"]["S3Uri"])
        for found in s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]:
            below = found["Key"].removeprefix(prefix).lstrip("/") or prefix.rpartition("/")[2]
            path = root / "input" / "data" / channel["ChannelName"] / below
            path.parent.mkdir(parents=True, exist_ok=True)
            s3.download_file(bucket, found["Key"], str(path))
    tell(root, "hyperparameters", asked["HyperParameters"])
    tell(root, "inputdataconfig", {each["ChannelName"]: {} for each in asked["InputDataConfig"]})
    process = start(root, TRAINING_JOB_NAME=asked["TrainingJobName"])
    said, _ = process.communicate(timeout=240)
    assert process.returncode == 0, (root / "log.txt").read_text()[-3000:]
    figures = {}
    for metric in asked["AlgorithmSpecification"]["MetricDefinitions"]:
        if values := re.findall(metric["Regex"], said):
            figures[metric["Name"]] = float(values[-1])
    answered = described(asked, figures)
    s3.upload_file(str(packed(root / "model")), *parse(answered["ModelArtifacts"]["S3ModelArtifacts"]))
    return answered


# --- training ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("weights", ["", "s3://weights/b3"])
def test_the_schedule_orders_the_job_that_the_command_line_orders(
    weights: str, group: str, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = retraining_with(group, stack, monkeypatch, Weights=weights)
    machine.play()
    [asked] = machine.requests("createTrainingJob")
    channels = {"training": "s3://videos/ff", "in_service": FIRST} | ({"weights": weights} if weights else {})
    by_hand = Order(
        name=asked["TrainingJobName"],
        image=IMAGE,
        role=ROLE,
        channels=channels,
        output=f"s3://{MODELS}/training",
        hyperparameters={"model": "contract-v1", "stop.epochs": "3"},
        tags={"stack": "aura"},
    )
    assert asked == by_hand.request()


def test_no_two_jobs_have_one_name(retraining: Machine) -> None:
    retraining.play()
    retraining.play()
    one, other = (asked["TrainingJobName"] for asked in retraining.requests("createTrainingJob"))
    assert one != other
    assert re.fullmatch(r"aura-\d{4}-\d\d-\d\d-[a-z0-9]{12}", one)


@pytest.mark.parametrize(
    ("figures", "said"),
    [
        ({}, NO_FIGURES),
        ({"train__loss": 0.2}, NO_FIGURES),
        (
            {"test__auc": 0.9312, "test__videos": 120.0},
            "AUC 0.931 on 120 test videos. The model in service could not be judged beside it: the log",
        ),
        (
            {"test__auc": 0.9, "test__auc_low": 0.85, "test__auc_high": 0.95, "test__videos": 120.0,
             "in_service__videos": 118.0, "in_service__auc": 0.92, "in_service__difference": -0.02,
             "in_service__difference_low": -0.05, "in_service__difference_high": 0.01},
            ("AUC 0.900 (95 %: 0.850 to 0.950) on 120 test videos. The model in service: 0.920 on 118 of them. "
            "Difference: -0.020 (95 %: -0.050 to 0.010)."),
        ),
    ],
)  # fmt: skip
def test_whoever_approves_reads_what_is_known_and_no_more(
    figures: dict[str, float], said: str, retraining: Machine
) -> None:
    retraining.services["createTrainingJob"] = trained(**figures)
    played = retraining.play()
    assert said in played.message
    assert said in packages()[0]["ModelPackageDescription"]
    assert f"--model-package-arn {packages()[0]['ModelPackageArn']}" in played.message


def test_a_job_that_fails_is_told_with_its_reason_and_leaves_the_model_in_service(
    retraining: Machine, stack: Stack
) -> None:
    cause = json.dumps({"TrainingJobName": "x", "FailureReason": "AlgorithmError: no channel 'training'", "Tags": []})
    retraining.services["createTrainingJob"] = failing("States.TaskFailed", cause)
    played = retraining.play()
    assert (played.status, played.path[-2:]) == ("FAILED", ["TellWhy", "Failed"])
    assert "the model in service stays. States.TaskFailed: AlgorithmError: no channel 'training'\n" in played.message
    assert played.waited == []  # a job that failed is not begun again
    assert not packages()
    assert not stack.updates


def test_a_quota_that_is_taken_is_waited_for(retraining: Machine) -> None:
    answers = itertools.chain([failing("SageMaker.ResourceLimitExceededException", "none left")] * 2, [trained()])
    retraining.services["createTrainingJob"] = lambda asked: next(answers)(asked)
    assert retraining.play().status == "SUCCEEDED"


def test_a_job_that_ran_out_of_time_says_so(retraining: Machine) -> None:
    cause = json.dumps({"TrainingJobStatus": "Stopped", "SecondaryStatus": "MaxRuntimeExceeded", "Tags": []})
    retraining.services["createTrainingJob"] = failing("States.TaskFailed", cause)
    assert "the model in service stays. States.TaskFailed: MaxRuntimeExceeded\n" in retraining.play().message


def test_a_registry_that_refuses_is_told_and_where_the_model_lies(retraining: Machine) -> None:
    retraining.services["createModelPackage"] = failing("States.TaskFailed", "AccessDenied: not yours")
    played = retraining.play()
    [asked] = retraining.requests("createTrainingJob")
    assert played.status == "FAILED"
    assert f"{asked['TrainingJobName']}/output/model.tar.gz, but could not be registered" in played.message
    assert "AccessDenied: not yours" in played.message


def test_the_first_model_opens_the_group_and_later_ones_find_it(
    retraining: Machine, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = retraining_with("another-group", stack, monkeypatch)
    assert [machine.play().status for _ in range(2)] == ["SUCCEEDED", "SUCCEEDED"]
    found = client("sagemaker").list_model_packages(ModelPackageGroupName="another-group")
    assert len(found["ModelPackageSummaryList"]) == 2


# --- putting in service -----------------------------------------------------------------------------------------------


def test_an_approved_model_replaces_the_other_and_nothing_else_changes(
    group: str, stack: Stack, promotion: Machine
) -> None:
    answer(register(group, "s3://aura-models/1/model.tar.gz"))
    before = dict(stack.parameters)
    played = promotion.play()
    assert stack.parameters == before | {"ModelDataUrl": "s3://aura-models/1/model.tar.gz"}
    [update] = stack.updates
    assert update["UsePreviousTemplate"] is True
    assert played.path[-1] == "Tell"
    assert "is in service: s3://aura-models/1/model.tar.gz" in played.message


def test_a_notice_that_comes_twice_or_late_changes_nothing(group: str, stack: Stack, promotion: Machine) -> None:
    answer(register(group, "s3://aura-models/1/model.tar.gz"))
    promotion.play()
    answer(register(group, "s3://aura-models/2/model.tar.gz"))
    promotion.play()
    assert len(stack.updates) == 2
    again = promotion.play()
    assert (again.status, again.path[-1], again.told) == ("SUCCEEDED", "NothingToDo", [])
    assert stack.parameters["ModelDataUrl"] == "s3://aura-models/2/model.tar.gz"


def test_who_waited_for_a_deployment_puts_in_service_what_is_approved_by_then(
    group: str, stack: Stack, promotion: Machine
) -> None:
    first = register(group, "s3://aura-models/1/model.tar.gz")
    answer(first)
    second = register(group, "s3://aura-models/2/model.tar.gz")
    stack.ahead = ["UPDATE_IN_PROGRESS"] * 3 + ["UPDATE_COMPLETE"]
    looked = stack.describe

    def approve_meanwhile(asked: dict[str, Any]) -> dict[str, Any]:
        if len(stack.ahead) == 2:
            answer(second)
            answer(first, "Rejected")
        return looked(asked)

    promotion.services["describeStacks"] = approve_meanwhile
    assert promotion.play().path[-1] == "Tell"
    assert [update["Parameters"][0]["ParameterValue"] for update in stack.updates] == [
        "s3://aura-models/2/model.tar.gz"
    ]


def test_who_was_a_moment_too_late_tells_nothing(group: str, stack: Stack, promotion: Machine) -> None:
    """Two notices side by side: when this one asks, the other has just had it deployed."""
    answer(register(group, "s3://aura-models/1/model.tar.gz"))

    def just_done(asked: dict[str, Any]) -> dict[str, Any]:
        stack.parameters["ModelDataUrl"] = "s3://aura-models/1/model.tar.gz"
        return stack.update(asked)

    promotion.services["updateStack"] = just_done
    played = promotion.play()
    assert (played.status, played.path[-1], played.told) == ("SUCCEEDED", "NothingToDo", [])


def test_the_newest_approved_model_is_found_behind_an_empty_page(group: str, stack: Stack, promotion: Machine) -> None:
    """SageMaker may filter after it has cut the pages."""
    answer(register(group, "s3://aura-models/1/model.tar.gz"))

    def pages(asked: dict[str, Any]) -> dict[str, Any]:
        if "NextToken" not in asked:
            return {"ModelPackageSummaryList": [], "NextToken": "more"}
        return dict(client("sagemaker").list_model_packages(ModelPackageGroupName=group))

    promotion.services["listModelPackages"] = pages
    assert promotion.play().path[-1] == "Tell"
    assert stack.parameters["ModelDataUrl"] == "s3://aura-models/1/model.tar.gz"


@pytest.mark.parametrize("verdict", ["PendingManualApproval", "Rejected"])
def test_what_nobody_approved_is_never_in_service(verdict: str, group: str, stack: Stack, promotion: Machine) -> None:
    answer(register(group, "s3://aura-models/1/model.tar.gz"), verdict)
    assert promotion.play().path == ["Begin", "FindNewestApproved", "AnyApproved", "NothingToDo"]
    assert stack.parameters["ModelDataUrl"] == FIRST


def test_a_deployment_that_begins_in_between_is_waited_for(group: str, stack: Stack, promotion: Machine) -> None:
    answer(register(group, "s3://aura-models/1/model.tar.gz"))

    def meanwhile(asked: dict[str, Any]) -> dict[str, Any]:
        if not promotion.requests("updateStack")[1:]:
            stack.status, stack.ahead = "UPDATE_IN_PROGRESS", ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"]
        return stack.update(asked)

    promotion.services["updateStack"] = meanwhile
    assert promotion.play().path[-1] == "Tell"
    assert len(promotion.requests("updateStack")) == 2


def test_a_stack_that_never_rests_ends_the_wait_with_a_message(
    group: str, stack: Stack, promotion: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(register(group, "s3://aura-models/1/model.tar.gz"))
    stack.status = "UPDATE_IN_PROGRESS"
    promotion.definition = promotion.definition.replace("> 10800000", "> 300")
    played = promotion.play()
    assert (played.status, played.path[-2:]) == ("FAILED", ["TellWhy", "Failed"])
    assert "The stack is UPDATE_IN_PROGRESS" in played.message


def test_a_model_that_does_not_come_up_is_taken_back_and_told(group: str, stack: Stack, promotion: Machine) -> None:
    answer(register(group, "s3://aura-models/1/model.tar.gz"))
    stack.ends_with = "UPDATE_ROLLBACK_COMPLETE"
    played = promotion.play()
    assert (played.status, played.path[-2:]) == ("FAILED", ["TellWhy", "Failed"])
    assert "The stack is UPDATE_ROLLBACK_COMPLETE; its events say what happened." in played.message
    assert stack.parameters["ModelDataUrl"] == FIRST


def test_a_promotion_that_may_not_deploy_is_told(group: str, promotion: Machine) -> None:
    answer(register(group, "s3://aura-models/1/model.tar.gz"))
    promotion.services["updateStack"] = failing("CloudFormation.CloudFormationException", "not authorized")
    played = promotion.play()
    assert played.status == "FAILED"
    assert played.path.count("Deploy") == 1  # asking again would not help
    assert "not authorized" in played.message


# --- what the template says -------------------------------------------------------------------------------------------


def test_every_task_has_a_timeout_and_whatever_goes_wrong_is_told(retraining: Machine, promotion: Machine) -> None:
    for machine in (retraining, promotion):
        definition = json.loads(machine.definition)
        states = definition["States"]
        tasks = {name: state for name, state in states.items() if state["Type"] == "Task"}
        for name, state in tasks.items():
            assert "TimeoutSeconds" in state
            assert not any("States.ALL" in retry["ErrorEquals"] for retry in state.get("Retry", []))
            if not name.startswith("Tell"):
                assert state["Catch"][-1]["ErrorEquals"] == ["States.ALL"]
                assert state["Catch"][-1]["Next"] in ("TellWhy", "Refused", "Register")


def test_a_training_that_takes_as_long_as_it_may_still_ends_in_a_message(retraining: Machine) -> None:
    """A state machine that runs out of time itself catches nothing and tells nobody."""
    definition = json.loads(retraining.definition)
    longest = 0
    for name, state in definition["States"].items():
        if state["Type"] != "Task":
            continue
        waits = [
            retry["IntervalSeconds"] * retry["BackoffRate"] ** number
            for retry in state.get("Retry", [])
            for number in range(retry["MaxAttempts"])
        ]
        tries = 1 if name == "Train" else 1 + len(waits)  # what is refused there is refused at once
        longest += tries * state["TimeoutSeconds"] + sum(waits)
    assert longest < definition["TimeoutSeconds"]
    order = json.loads(retraining.definition)["States"]["Train"]
    assert order["TimeoutSeconds"] > order["Arguments"]["StoppingCondition"]["MaxWaitTimeInSeconds"]


@pytest.mark.parametrize(
    ("settings", "taken"),
    [
        ("model=contract-v1", True),
        ("model=contract-v1, optimizer.learning_rate=1e-4,data.self_made_fakes=true", True),
        ("model=/opt/ml/input/data/training/ours.yaml", True),
        ("", False),
        ("contract-v1", False),
        ("model=it's", False),
        ('model={"name": "x"}', False),
    ],
)
def test_settings_that_would_break_the_state_machine_are_not_deployed(settings: str, taken: bool) -> None:
    pattern = load_template()["Parameters"]["TrainingSettings"]["AllowedPattern"]
    assert bool(re.fullmatch(pattern, settings)) is taken


def test_a_schedule_begins_it_and_approval_alone_puts_in_service() -> None:
    resources = load_template()["Resources"]
    schedule = resources["Retrain"]["Properties"]["Events"]["Monthly"]
    assert schedule["Type"] == "ScheduleV2"
    assert schedule["Properties"]["OmitName"] is True  # staging and production may live in one account
    [event] = resources["PromoteModel"]["Properties"]["Events"].values()
    assert event["Properties"]["Pattern"]["detail"]["ModelApprovalStatus"] == ["Approved"]
    group = event["Properties"]["Pattern"]["detail"]["ModelPackageGroupName"]
    assert group == [resources["Retrain"]["Properties"]["DefinitionSubstitutions"]["Group"]]
    assert resources["PromoteModel"]["Properties"]["DefinitionSubstitutions"]["Group"] == group[0]


def test_a_promotion_replaces_models_and_changes_no_right() -> None:
    """What names the model is the model alone: no role has to be written for another one."""
    template = load_template()
    naming = [name for name, resource in template["Resources"].items() if "ModelDataUrl" in json.dumps(resource)]
    assert naming == ["Model"]
    policy = template["Resources"]["PromoteModel"]["Properties"]["Policies"][0]["Statement"]
    actions = [[each["Action"]] if isinstance(each["Action"], str) else each["Action"] for each in policy]
    assert {action for some in actions for action in some if action.startswith("iam:")} == {"iam:PassRole"}
