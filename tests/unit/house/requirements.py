"""What the files that name libraries say: pyproject.toml, constraints.txt and the requirements."""

from __future__ import annotations

import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.house import HOUSE

PROJECT = tomllib.loads((HOUSE / "pyproject.toml").read_text())["project"]

FUNCTIONS = HOUSE / "requirements" / "functions.txt"
VIDEO = HOUSE / "requirements" / "video.txt"
VIDEO_NO_DEPS = HOUSE / "requirements" / "video-no-deps.txt"
NO_DEPS = HOUSE / "requirements" / "no-deps.txt"
TOOLS = HOUSE / "requirements" / "tools.txt"
IMAGES = tuple(sorted((HOUSE / "containers").glob("*/*.txt")))


def lines_of(path: Path) -> list[str]:
    return [text for line in path.read_text().splitlines() if (text := line.partition("#")[0].strip())]


def library(requirement: str) -> str:
    """The name in the one spelling that compares."""
    return canonicalize_name(Requirement(requirement).name)


def pins() -> dict[str, str]:
    """Version of every library of constraints.txt."""
    pairs = (line.partition("==") for line in lines_of(HOUSE / "constraints.txt"))
    return {canonicalize_name(name): version for name, _, version in pairs}


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
    return {library(text) for text in PROJECT["optional-dependencies"][name]} - {"aura-veracity"}
