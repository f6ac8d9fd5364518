"""One place decides versions, and everything that installs agrees with it."""

from __future__ import annotations

import os
import re
from importlib import metadata
from pathlib import Path

import pytest

from tests.house import HOUSE
from tests.unit.house.requirements import (
    FUNCTIONS,
    IMAGES,
    NO_DEPS,
    PROJECT,
    TOOLS,
    VIDEO,
    VIDEO_NO_DEPS,
    library,
    lines_of,
    pins,
    required,
    role,
)

RUN_TIME = (FUNCTIONS, VIDEO, VIDEO_NO_DEPS, NO_DEPS, *IMAGES)


def test_every_pin_is_one_exact_public_version() -> None:
    loose = [line for line in lines_of(HOUSE / "constraints.txt") if not re.fullmatch(r"[\w.-]+==[\w.]+", line)]
    assert loose == []


def test_every_library_the_project_names_is_pinned() -> None:
    named = {library(text) for text in PROJECT["dependencies"]}
    named |= set().union(*(role(name) for name in PROJECT["optional-dependencies"]))
    named |= set().union(*(required(path) for path in RUN_TIME))
    assert named - pins().keys() == set()


def test_the_environment_is_the_pinned_one() -> None:
    installed = {library(found.name): found.version.partition("+")[0] for found in metadata.distributions()}
    differing = {name: (installed[name], pin) for name, pin in pins().items() if installed.get(name, pin) != pin}
    assert differing == {}


def test_zip_functions_carry_what_the_role_says_save_what_the_runtime_brings() -> None:
    assert required(FUNCTIONS) == (role("functions") - {"boto3"}) | {"pydantic"}


def test_the_video_image_carries_what_the_role_says() -> None:
    assert required(VIDEO) - required(FUNCTIONS) == role("video")


@pytest.mark.parametrize("path", RUN_TIME, ids=lambda path: str(path.relative_to(HOUSE)))
def test_no_requirements_file_chooses_a_version_of_its_own(path: Path) -> None:
    lines = lines_of(path)
    assert f"-c {os.path.relpath(HOUSE / 'constraints.txt', path.parent)}" in lines
    assert [line for line in lines if "=" in line] == []


def test_the_checkers_are_pinned_to_the_last_one() -> None:
    assert [line for line in lines_of(TOOLS) if "==" not in line] == []
