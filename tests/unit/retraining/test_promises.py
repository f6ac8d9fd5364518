"""What the two state machines and the template promise together."""

from __future__ import annotations

import json
import re

import pytest

from infra.local.package import load_template
from tests.unit.retraining.play import Machine


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
