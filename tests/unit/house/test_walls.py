"""The walls of the house: who may import whom, and that a breach is noticed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house import HOUSE

FLOORS = ("functions", "infra", "model_src")


def lint_imports(house: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    return subprocess.run(command, cwd=house, capture_output=True, text=True, check=False)


@pytest.fixture
def copy_of_the_house(tmp_path: Path) -> Path:
    shutil.copy(HOUSE / "pyproject.toml", tmp_path)
    for floor in FLOORS:
        shutil.copytree(HOUSE / floor, tmp_path / floor, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_nobody_imports_through_a_wall() -> None:
    found = lint_imports(HOUSE)
    assert found.returncode == 0, found.stdout


@pytest.mark.parametrize(
    ("module", "breach", "wall"),
    [
        ("functions/register.py", "import model_src.preprocess.probe", "Zip functions decode no video"),
        ("functions/aggregate.py", "import functions.split", "The video functions are imported by no other"),
        ("functions/core/__init__.py", "import numpy", "Zip functions decode no video"),
        ("functions/split.py", "import model_src.models", "Functions see the verdict's rules"),
        ("functions/get_job.py", "import infra", "The floors of the house"),
        ("model_src/preprocess/split.py", "import torch", "Preprocessing runs where there is no torch"),
        ("model_src/preprocess/probe.py", "import model_src.verdict", "The floors of the house"),
        ("model_src/verdict/scores.py", "import numpy", "The verdict is plain Python and pydantic"),
        ("model_src/serving/__init__.py", "import functions.core", "The model never sees the functions"),
        ("model_src/models/__init__.py", "import model_src.serving", "The floors of the house"),
    ],
)
def test_a_breach_is_noticed_and_named(copy_of_the_house: Path, module: str, breach: str, wall: str) -> None:
    with (copy_of_the_house / module).open("a") as source:
        source.write(f"\n{breach}\n")

    found = lint_imports(copy_of_the_house)

    assert found.returncode != 0
    broken = found.stdout.partition("Broken contracts")[2]
    assert wall in broken
