"""What a month brings: a model that waits for a person, with the figures to decide by."""

from __future__ import annotations

import itertools
import json
import re

import pytest

from infra.training.order import Order
from tests.unit.retraining.machines import (
    IMAGE,
    MODELS,
    NO_FIGURES,
    ROLE,
    packages,
    retraining_with,
    trained,
)
from tests.unit.retraining.play import Machine, client, failing
from tests.unit.retraining.stack import FIRST, Stack


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
            "Difference there: -0.020 (95 %: -0.050 to 0.010)."),
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
