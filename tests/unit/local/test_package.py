"""The emulator gets the template as it is: what is changed for it is little, and all of it is here."""

from __future__ import annotations

import copy
import io
import json
import zipfile
from typing import Any

import pytest
import yaml

from infra.local.package import ROOT, definition_json, load_template, package

ZIP = {"functions", "model_src/__init__.py", "model_src/redaction.py", "model_src/verdict"}


class Bucket:
    """S3 as far as packaging needs it."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def put_object(self, *, Bucket: str, Key: str, Body: bytes) -> None:  # noqa: N803 - boto3's own spelling
        self.objects[Key] = Body


@pytest.fixture(scope="module")
def packaged() -> tuple[dict[str, Any], Bucket]:
    s3 = Bucket()
    return package(load_template(), "code", s3), s3


def test_the_template_is_deployed_as_it_is_but_for_code_and_definitions(
    packaged: tuple[dict[str, Any], Bucket],
) -> None:
    original, changed = load_template(), copy.deepcopy(packaged[0])
    for resource in (*original["Resources"].values(), *changed["Resources"].values()):
        if resource["Type"] == "AWS::Serverless::Function":
            resource.pop("Metadata", None)
            for name in ("CodeUri", "PackageType", "ImageConfig", "Handler", "Runtime"):
                resource["Properties"].pop(name, None)
        elif resource["Type"] == "AWS::Serverless::StateMachine":
            resource["Properties"].pop("DefinitionUri")
    assert changed == original


def test_an_image_function_becomes_a_zip_function_with_the_same_handler(
    packaged: tuple[dict[str, Any], Bucket],
) -> None:
    images = [
        name
        for name, resource in load_template()["Resources"].items()
        if resource.get("Properties", {}).get("PackageType") == "Image"
    ]
    assert images == ["ValidateFunction", "SplitFunction", "ExplainFunction"]
    for name in images:
        properties = packaged[0]["Resources"][name]["Properties"]
        assert "PackageType" not in properties
        assert properties["Handler"] == f"functions.{name.removesuffix('Function').lower()}.handler"


def test_zip_functions_carry_the_functions_and_the_verdict_alone(packaged: tuple[dict[str, Any], Bucket]) -> None:
    template, s3 = packaged

    def parts(function: str) -> set[str]:
        key = template["Resources"][function]["Properties"]["CodeUri"].removeprefix("s3://code/")
        names = zipfile.ZipFile(io.BytesIO(s3.objects[key])).namelist()
        return {"/".join(name.split("/")[:2]) if name.startswith("model_src") else name.split("/")[0] for name in names}

    assert parts("AggregateFunction") == ZIP
    assert parts("SplitFunction") == ZIP | {"model_src/preprocess"}


def test_unchanged_code_is_not_uploaded_under_a_new_name(packaged: tuple[dict[str, Any], Bucket]) -> None:
    again = Bucket()
    assert package(load_template(), "code", again) == packaged[0]


def test_the_state_machine_is_the_same_in_json() -> None:
    path = ROOT / "infra/statemachines/analyze_video.asl.yaml"
    text = definition_json(path).replace("${ScoringTimeoutSeconds}", "60")
    expected = yaml.safe_load(path.read_text())
    task = expected["States"]["Score"]["ItemProcessor"]["States"]["ScoreChunk"]
    assert task["TimeoutSeconds"] == "{% ${ScoringTimeoutSeconds} %}"
    task["TimeoutSeconds"] = 60  # the emulator wants the number itself
    assert json.loads(text) == expected
