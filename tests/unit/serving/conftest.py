"""What the serving tests share."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch

from model_src.serving.logs import logger

LogLines = Callable[[], list[dict[str, Any]]]


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    """Test processes share the cores: threads that wait for one another would take ten times as long."""
    torch.set_num_threads(1)


@pytest.fixture
def log_lines() -> Iterator[LogLines]:
    """What the server has written to its log, line by line."""
    handler = logger.registered_handler
    assert isinstance(handler, logging.StreamHandler)
    text = io.StringIO()
    before = handler.setStream(text)
    yield lambda: [json.loads(line) for line in text.getvalue().splitlines()]
    handler.setStream(before)
