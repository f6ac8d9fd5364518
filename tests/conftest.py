"""What holds for every test: nothing leaves the machine, and tests of the embedded stack share one."""

from __future__ import annotations

import os
from typing import Any

import pytest

# Accounts that exist nowhere and no hub to ask: a test that reaches for the real thing fails instead of finding it.
os.environ.update(
    AWS_ACCESS_KEY_ID="testing",
    AWS_SECRET_ACCESS_KEY="testing",
    AWS_SESSION_TOKEN="testing",
    AWS_DEFAULT_REGION="eu-central-1",
    AWS_EC2_METADATA_DISABLED="true",
    HF_HUB_OFFLINE="1",
)
os.environ.pop("AWS_PROFILE", None)

# Each of several workers taking every core for its arithmetic would only make them wait for one another, and threads
# that spin while they wait take the cores from those that work.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
if workers := os.environ.get("PYTEST_XDIST_WORKER_COUNT"):
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // int(workers))))


INTEGRATION = "tests/integration/"
# Whose preparation costs more than their tests: each on one worker, so that it is done once.
TOGETHER = (
    INTEGRATION,
    "tests/unit/training_job/test_job.py",
    "tests/unit/studies/test_attack.py",
    "tests/unit/studies/test_study.py",
    "tests/unit/serving/test_backends.py",
    "tests/unit/serving/test_package.py",
    "tests/unit/preprocess/test_split.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.nodeid.startswith(INTEGRATION):
            item.add_marker(pytest.mark.integration)


@pytest.hookimpl(optionalhook=True)  # without pytest-xdist nobody asks
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Everything under tests/integration runs on the one embedded stack, so on one worker; other files share as much.

    The marker `xdist_group` would say the same and does nothing here: pytest-xdist 3.8 writes the group into a place
    from which pytest 9.2 no longer reads a test's id, and each worker started a stack of its own.
    """
    from xdist.scheduler import LoadScopeScheduling

    class OneStack(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return next((place for place in TOGETHER if nodeid.startswith(place)), nodeid)

    return OneStack(config, log) if config.getoption("dist") == "loadgroup" else None
