"""What holds for every test: nothing leaves the machine, and tests of the embedded stack share one."""

from __future__ import annotations

import os

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


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything under tests/integration runs on the one embedded stack, so on one worker."""
    for item in items:
        if "integration" in item.path.relative_to(item.config.rootpath).parts:
            item.add_marker(pytest.mark.integration)
            item.add_marker(pytest.mark.xdist_group("embedded-stack"))
