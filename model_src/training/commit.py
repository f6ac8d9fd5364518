"""Which version of the code a run was made by."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

VARIABLE = "AURA_GIT_COMMIT"  # an image carries no repository; its build says what it was made from


def git_commit() -> str | None:
    """None where nobody can tell."""
    if os.environ.get(VARIABLE):
        return os.environ[VARIABLE]
    try:
        found = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=Path(__file__).parent, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return found.stdout.strip()
