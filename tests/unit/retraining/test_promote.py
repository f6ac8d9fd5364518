"""An approved model is in service, and nothing else is; whatever else happens is told."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.retraining.machines import (
    answer,
    register,
)
from tests.unit.retraining.play import Machine, client, failing
from tests.unit.retraining.stack import FIRST, Stack


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
    assert promotion.play().path == ["Begin", "Wait", "FindNewestApproved", "AnyApproved", "NothingToDo"]
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
    promotion.definition = promotion.definition.replace("7200000", "300")
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


def test_a_model_that_does_not_come_up_is_tried_once_however_often_it_is_announced(
    group: str, stack: Stack, promotion: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Side by side: while the one waits for its deployment, the other comes, waits too, and has nothing to tell."""
    answer(register(group, "s3://aura-models/1/model.tar.gz"))
    stack.ends_with = "UPDATE_ROLLBACK_COMPLETE"
    stack.deploy_by_another("s3://aura-models/1/model.tar.gz")
    looked = stack.describe

    def taken_back(asked: dict[str, Any]) -> dict[str, Any]:
        found = looked(asked)
        if stack.status.startswith("UPDATE_ROLLBACK"):
            stack.parameters["ModelDataUrl"] = FIRST
            return looked(asked)
        return found

    promotion.services["describeStacks"] = taken_back
    played = promotion.play()
    assert (played.path[-1], played.told) == ("NothingToDo", [])
    assert len(stack.updates) == 1


def test_a_stack_that_cannot_even_be_taken_back_is_told(group: str, stack: Stack, promotion: Machine) -> None:
    answer(register(group, "s3://aura-models/1/model.tar.gz"))
    stack.parameters["ModelDataUrl"] = "s3://aura-models/1/model.tar.gz"
    stack.status = "UPDATE_ROLLBACK_FAILED"
    assert "The stack is UPDATE_ROLLBACK_FAILED" in promotion.play().message


def test_a_deployment_whose_answer_got_lost_is_told_all_the_same(group: str, stack: Stack, promotion: Machine) -> None:
    answer(register(group, "s3://aura-models/1/model.tar.gz"))

    def heard_and_not_answered(asked: dict[str, Any]) -> dict[str, Any]:
        stack.update(asked)
        return dict(failing("States.Timeout")(asked))

    promotion.services["updateStack"] = heard_and_not_answered
    played = promotion.play()
    assert len(stack.updates) == 1
    assert "is in service: s3://aura-models/1/model.tar.gz" in played.message


def test_a_model_that_is_rejected_while_it_is_deployed_is_not_passed_over_in_silence(
    group: str, stack: Stack, promotion: Machine
) -> None:
    package = register(group, "s3://aura-models/1/model.tar.gz")
    answer(package)

    def reject_meanwhile(asked: dict[str, Any]) -> dict[str, Any]:
        answer(package, "Rejected")
        return stack.update(asked)

    promotion.services["updateStack"] = reject_meanwhile
    assert "It was rejected while it was being put in service" in promotion.play().message


def test_a_promotion_that_may_not_deploy_is_told(group: str, promotion: Machine) -> None:
    answer(register(group, "s3://aura-models/1/model.tar.gz"))
    promotion.services["updateStack"] = failing("CloudFormation.CloudFormationException", "not authorized")
    played = promotion.play()
    assert played.status == "FAILED"
    assert played.path.count("Deploy") == 1  # asking again would not help
    assert "not authorized" in played.message
