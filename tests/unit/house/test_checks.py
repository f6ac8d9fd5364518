"""The gate stops what would break, and says what it is."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from infra.checks import __main__ as gate
from infra.checks.state_machines import StateMachineBroken, lint, lint_all, plausible_values
from tests.house import HOUSE

SOUND = """
QueryLanguage: JSONata
StartAt: Look
States:
  Look:
    Type: Task
    Resource: ${LookFunction}
    Arguments: {job_id: "{% $states.input.job_id %}"}
    TimeoutSeconds: ${Seconds}
    Next: Done
  Done:
    Type: Succeed
"""
VALUES = {"LookFunction": "arn:aws:lambda:eu-central-1:123456789012:function:look", "Seconds": "60"}


def definition(folder: Path, text: str) -> Path:
    path = folder / "machine.asl.yaml"
    path.write_text(text)
    return path


def test_the_state_machines_that_we_deploy_are_sound() -> None:
    assert sorted(lint_all(HOUSE / "template.yaml")) == sorted(HOUSE.glob("infra/statemachines/*.asl.yaml"))


def test_a_sound_machine_passes(tmp_path: Path) -> None:
    lint(definition(tmp_path, SOUND), VALUES)


@pytest.mark.parametrize(
    ("sound", "broken", "complaint"),
    [
        ("Next: Done", "Next: Dome", "Dome"),
        ("Next: Done", "End: true", "Done is not reachable"),
        ("StartAt: Look", "StartAt: Lock", "Lock"),
        ("Type: Task", "Type: Tusk", "Look"),
        ("TimeoutSeconds: ${Seconds}", "TimeoutSeconds: ${Second}", "no value for ['Second']"),
        ("$states.input.job_id %}", "$states.input.[ %}", "Look"),
    ],
)
def test_a_broken_machine_is_refused_with_the_place(tmp_path: Path, sound: str, broken: str, complaint: str) -> None:
    assert sound in SOUND
    with pytest.raises(StateMachineBroken) as found:
        lint(definition(tmp_path, SOUND.replace(sound, broken)), VALUES)
    assert complaint in str(found.value)


def test_substitutions_hold_what_the_template_will_put_there() -> None:
    template = {"Parameters": {"Wait": {"Type": "Number", "Default": 300}, "Named": {"Type": "String"}}}
    assert plausible_values(
        {
            "Function": {"Fn::GetAtt": ["Split", "Arn"]},
            "Seconds": {"Ref": "Wait"},
            "Name": {"Ref": "Named"},
            "Literal": 7,
        },
        template,
    ) == {
        "Function": "arn:aws:lambda:eu-central-1:123456789012:function:Split",
        "Seconds": "300",
        "Name": "Name",
        "Literal": "7",
    }


def test_the_gate_stops_at_the_first_failure_and_shows_its_words(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    touched = tmp_path / "third-ran"
    monkeypatch.setattr(
        gate,
        "steps",
        lambda: {
            "first": [sys.executable, "-c", "print('quiet')"],
            "second": [sys.executable, "-c", "import sys; sys.exit('line 7 is wrong')"],
            "third": [sys.executable, "-c", f"open({str(touched)!r}, 'w')"],
        },
    )
    assert gate.main() == 1
    said = capfd.readouterr().out
    assert "line 7 is wrong" in said
    assert "quiet" not in said
    assert not touched.exists()
