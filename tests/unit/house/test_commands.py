"""The commands that the README and the Makefile promise are there."""

from __future__ import annotations

import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import typer

from infra.cli import app
from tests.house import HOUSE

MAKEFILE = (HOUSE / "Makefile").read_text()
CODE = re.compile(r"```\w*\n(.*?)```|`([^`\n]+)`", re.DOTALL)

TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
AURA_COMMANDS = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


def commands_of(text: str, program: str) -> set[str]:
    return set(re.findall(rf"(?:^|[\s/]){program} ([a-z][a-z-]*)", text, re.MULTILINE))


def readme_commands() -> str:
    return "\n".join(block or inline for block, inline in CODE.findall((HOUSE / "README.md").read_text()))


def test_every_make_command_of_the_readme_exists() -> None:
    wanted = commands_of(readme_commands(), "make")
    assert {"demo", "test"} <= wanted
    assert wanted - TARGETS == set()


def test_every_aura_command_of_the_readme_exists() -> None:
    assert commands_of(readme_commands(), "aura") - AURA_COMMANDS == set()


def test_every_program_that_the_makefile_starts_exists() -> None:
    """The Makefile calls aura by its path: it also runs where nothing is set up yet."""
    commands = set(re.findall(r"\$\(BIN\)/aura ([a-z-]+)", MAKEFILE))
    assert {"demo", "up"} <= commands
    assert commands - AURA_COMMANDS == set()
    modules = set(re.findall(r"python -m ((?:infra|tests|model_src)[\w.]*)", MAKEFILE))
    assert "infra.checks" in modules
    assert [module for module in modules if find_spec(module) is None] == []


def test_make_alone_lists_every_command() -> None:
    listed = subprocess.run(["make"], cwd=HOUSE, capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r"^  make ([a-z-]+)", listed, re.MULTILINE)) == TARGETS


def test_set_up_says_in_a_sentence_which_python_it_misses(tmp_path: Path) -> None:
    """A machine whose only python3 is too old: asked whether it is 3.11 or later, it prints no path."""
    (tmp_path / "Makefile").write_text(MAKEFILE)
    for recipe in re.findall(r"^RECIPE := (.*)$", MAKEFILE, re.MULTILINE)[0].split():
        (tmp_path / recipe).parent.mkdir(exist_ok=True)
        (tmp_path / recipe).touch()
    old = tmp_path / "bin" / "python3"
    old.parent.mkdir()
    old.write_text("#!/bin/sh\nexit 0\n")
    old.chmod(0o755)

    done = subprocess.run(
        [str(shutil.which("make")), "setup"],
        cwd=tmp_path,
        env={"PATH": str(old.parent)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode != 0
    assert "needs Python 3.11 or later" in done.stderr
    assert not (tmp_path / ".venv").exists()
