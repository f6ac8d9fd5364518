"""One place decides versions, and everything that installs agrees with it."""

from __future__ import annotations

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

HOUSE = Path(__file__).resolve().parents[3]
PROJECT = tomllib.loads((HOUSE / "pyproject.toml").read_text())["project"]


def lines_of(path: Path) -> list[str]:
    return [text for line in path.read_text().splitlines() if (text := line.partition("#")[0].strip())]


def library(requirement: str) -> str:
    """The name in the one spelling that compares."""
    return canonicalize_name(Requirement(requirement).name)


def pins() -> dict[str, str]:
    return {
        canonicalize_name(name): version
        for name, _, version in (x.partition("==") for x in lines_of(HOUSE / "constraints.txt"))
    }


def required(path: Path) -> set[str]:
    """The libraries a requirements file asks for, those of the files it includes among them."""
    found: set[str] = set()
    for line in lines_of(path):
        option, _, argument = line.partition(" ")
        if option == "-r":
            found |= required(path.parent / argument)
        elif option != "-c":
            found.add(library(line))
    return found


def role(name: str) -> set[str]:
    """The libraries of an extra of pyproject.toml, the roles it contains aside."""
    wanted = {library(x) for x in PROJECT["optional-dependencies"][name]}
    return wanted - {"aura-veracity"}


def test_every_pin_is_one_exact_public_version() -> None:
    loose = [line for line in lines_of(HOUSE / "constraints.txt") if not re.fullmatch(r"[\w.-]+==[\w.]+", line)]
    assert loose == []


def test_every_library_the_project_names_is_pinned() -> None:
    named = {library(x) for x in PROJECT["dependencies"]}
    named |= set().union(*(role(name) for name in PROJECT["optional-dependencies"]))
    named |= set().union(*(required(name) for name in ("functions.txt", "video.txt", "no-deps.txt")))
    assert named - pins().keys() == set()


def test_the_environment_is_the_pinned_one() -> None:
    installed = {library(d.name): d.version.partition("+")[0] for d in metadata.distributions()}
    differing = {name: (installed[name], pin) for name, pin in pins().items() if installed.get(name, pin) != pin}
    assert differing == {}


def test_zip_functions_carry_what_the_role_says_save_what_the_runtime_brings() -> None:
    assert required("functions.txt") == (role("functions") - {"boto3"}) | {"pydantic"}


def test_the_video_image_carries_what_the_role_says() -> None:
    assert required("video.txt") - required("functions.txt") == role("video")


@pytest.mark.parametrize("name", ["functions.txt", "video.txt", "video-no-deps.txt", "no-deps.txt"])
def test_no_requirements_file_chooses_a_version_of_its_own(name: str) -> None:
    lines = lines_of(HOUSE / "requirements" / name)
    assert "-c ../constraints.txt" in lines
    assert [line for line in lines if "=" in line] == []


def test_the_checkers_are_pinned_to_the_last_one() -> None:
    loose = [line for line in lines_of(HOUSE / "requirements" / "tools.txt") if "==" not in line]
    assert loose == []
