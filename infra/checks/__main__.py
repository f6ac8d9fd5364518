"""Run every check in turn; the first one that fails shows its own words and stops the rest."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

HOUSE = Path(__file__).resolve().parents[2]

# The linters of the template ask for a region and would send usage data; neither is this check's business.
ENVIRONMENT = {"AWS_DEFAULT_REGION": "eu-central-1", "SAM_CLI_TELEMETRY": "0", "NO_COLOR": "1"}


def steps() -> dict[str, list[str]]:
    """Name of each check and the command that is the check."""
    dockerfiles = sorted(str(path.relative_to(HOUSE)) for path in HOUSE.glob("containers/*/Dockerfile"))
    return {
        "format": ["ruff", "format", "--check"],
        "lint": ["ruff", "check"],
        "types": ["mypy"],
        "walls": ["lint-imports"],
        "state machines": [sys.executable, "-m", "infra.checks.state_machines"],
        "template (cfn-lint)": ["cfn-lint", "template.yaml"],
        "template (sam validate)": ["sam", "validate", "--lint", "--template-file", "template.yaml"],
        "dockerfiles": ["hadolint", *dockerfiles],
    }


def main() -> int:
    for name, command in steps().items():
        print(f"check: {name:<26}", end="", flush=True)
        start = time.monotonic()
        done = subprocess.run(
            command,
            cwd=HOUSE,
            env={**os.environ, **ENVIRONMENT},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        print(f"{'ok' if done.returncode == 0 else 'FAILED'} ({time.monotonic() - start:.1f} s)", flush=True)
        if done.returncode != 0:
            print(f"\n$ {' '.join(command)}\n{done.stdout}", flush=True)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
