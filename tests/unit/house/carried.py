"""What a Lambda would find where it runs: exactly the libraries its requirements ask for, and nothing of this machine.

The libraries are linked from this environment, so nothing is downloaded: whatever a requirements file forgets is missed
by the import just as it would be in the cloud. Images are also tried for real, in an environment of their own.
"""

from __future__ import annotations

import re
import subprocess
import sys
import venv
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.house import HOUSE


def libraries(folder: Path, requirements: Iterable[str]) -> Path:
    """Link into the folder what pip would install for the requirements."""
    folder.mkdir()
    waiting, seen = list(requirements), set()
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name not in seen:
            seen.add(name)
            link(metadata.distribution(name), folder)
            waiting += [
                wanted.name
                for wanted in map(Requirement, metadata.requires(name) or [])
                if wanted.marker is None or wanted.marker.evaluate({"extra": ""})
            ]
    return folder


def link(distribution: metadata.Distribution, folder: Path) -> None:
    """Link a library's top-level files and folders."""
    tops = {file.parts[0] for file in distribution.files or [] if file.parts[0] not in {"..", "__pycache__"}}
    for top in tops:
        place = folder / top
        if not place.exists():
            place.symlink_to(str(distribution.locate_file(top)))


def installed(dockerfile: Path, folder: Path, *beside: str) -> Path:
    """The Python of an empty environment after the Dockerfile's own pip lines; `beside` is what the platform brings."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    lines = re.findall(r"pip install --no-cache-dir (.*?)\s*\\?$", dockerfile.read_text(), re.MULTILINE)
    for arguments in (*lines, *(f"-c constraints.txt {library}" for library in beside)):
        pip = [python, "-m", "pip", "install", "--quiet", "--no-compile", *arguments.split()]
        done = subprocess.run(pip, cwd=HOUSE, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    return python


def run(code: str, *paths: Path) -> subprocess.CompletedProcess[str]:
    """Run the code in a Python that sees the standard library and these paths alone."""
    prelude = f"import sys; sys.path[:0] = {[str(path) for path in paths]!r}\n"
    return subprocess.run(
        [sys.executable, "-S", "-c", prelude + code],
        cwd=paths[0],
        env={"AWS_DEFAULT_REGION": "eu-central-1", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
