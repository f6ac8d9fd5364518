"""The log never tells secrets."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from model_src.redaction import SENSITIVE
from model_src.serving.logs import logger, serialize
from tests.unit.serving.conftest import LogLines

SECRET = "hunter2-f00dcafe"


@given(
    name=st.sampled_from(SENSITIVE),
    before=st.text(max_size=5),
    after=st.text(max_size=5),
    depth=st.integers(0, 3),
    upper=st.booleans(),
)
def test_a_value_under_a_telling_name_is_hidden_however_deep_it_sits(
    name: str, before: str, after: str, depth: int, upper: bool
) -> None:
    record: object = {before + (name.upper() if upper else name) + after: SECRET}
    for level in range(depth):
        record = {"outer": [record]} if level % 2 else {"outer": record}
    assert SECRET not in serialize({"message": "m", "extra": record})


@given(raw=st.binary(min_size=16), wrap=st.sampled_from([bytes, bytearray, memoryview]))
def test_raw_bytes_are_hidden_under_any_name(raw: bytes, wrap: type) -> None:
    assert json.loads(serialize({"message": wrap(raw), "list": [wrap(raw)]})) == {
        "message": "[redacted]",
        "list": ["[redacted]"],
    }


def test_what_a_person_needs_is_kept(log_lines: LogLines) -> None:
    logger.info("inference", extra={"request_id": "r-1", "api_key": SECRET, "latency_ms": 1.5})
    (line,) = log_lines()
    assert (line["request_id"], line["latency_ms"], line["service"]) == ("r-1", 1.5, "aura-inference")
    assert line["api_key"] == "[redacted]"
