"""Lint the state machines as they will be deployed: with the template's substitutions filled in.

CloudFormation accepts a `Next` that leads nowhere and a state nobody reaches; asl-validator does not. It reads plain
JSON, so the definition gets the values its `${Names}` will have, or plausible ones where only AWS knows them.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml
from samtranslator.yaml_helper import yaml_parse

HOUSE = Path(__file__).resolve().parents[2]
VALIDATOR = HOUSE / "node_modules" / "asl-validator" / "dist" / "bin" / "asl-validator.js"
PLACEHOLDER = re.compile(r"\$\{([A-Za-z0-9]+)\}")


class StateMachineBroken(Exception):
    """A state machine that would not run; the message says where and why."""


def lint_all(template: Path) -> list[Path]:
    """Lint every state machine that the template deploys, and say which they were."""
    described = yaml_parse(template.read_text())
    linted = []
    for resource in described["Resources"].values():
        if resource["Type"] == "AWS::Serverless::StateMachine":
            properties = resource["Properties"]
            definition = template.parent / properties["DefinitionUri"]
            lint(definition, plausible_values(properties.get("DefinitionSubstitutions", {}), described))
            linted.append(definition)
    return linted


def lint(definition: Path, values: dict[str, str]) -> None:
    """Raise StateMachineBroken if the definition, filled with the values, is not one that Step Functions can run."""
    text = definition.read_text()
    wanted = set(PLACEHOLDER.findall(text))
    if wanted != values.keys():
        raise StateMachineBroken(
            f"{definition.name}: the template has no value for {sorted(wanted - values.keys())}, "
            f"and fills in {sorted(values.keys() - wanted)} which the definition does not use."
        )
    filled = yaml.safe_load(PLACEHOLDER.sub(lambda name: values[name[1]], text))
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(filled, file)
        file.flush()
        found = subprocess.run(
            [node(), str(VALIDATOR), "--json-path", file.name], capture_output=True, text=True, check=False
        )
    if found.returncode != 0:
        raise StateMachineBroken(
            f"{definition.name}: {found.stderr or found.stdout}".replace(file.name, definition.name)
        )


def plausible_values(substitutions: dict[str, Any], template: dict[str, Any]) -> dict[str, str]:
    """What each `${Name}` will hold: a parameter its default, a resource an ARN like its own."""
    parameters = template.get("Parameters", {})
    values = {}
    for name, value in substitutions.items():
        match value:
            case {"Ref": str(parameter)} if "Default" in parameters.get(parameter, {}):
                values[name] = str(parameters[parameter]["Default"])
            case {"Ref": "AWS::Partition"}:
                values[name] = "aws"
            case {"Fn::GetAtt": [resource, "Arn"]}:
                values[name] = f"arn:aws:lambda:eu-central-1:123456789012:function:{resource}"
            case str() | int():
                values[name] = str(value)
            case _:
                values[name] = name
    return values


def node() -> str:
    """The interpreter of the validator: the one that `make tools` installed, or the machine's own."""
    found = shutil.which("node", path=str(HOUSE / ".venv-tools" / "bin")) or shutil.which("node")
    if found is None or not VALIDATOR.exists():
        raise StateMachineBroken("The state machine linter is not installed: run `make tools`.")
    return found


def main() -> int:
    try:
        for definition in lint_all(HOUSE / "template.yaml"):
            print(f"{definition.name} is valid")
    except StateMachineBroken as broken:
        print(broken)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
