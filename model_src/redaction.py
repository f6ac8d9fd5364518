"""What must never be logged or shown, by whichever part: secrets under telling names, raw bytes, steering letters."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

SENSITIVE = (
    "password",
    "token",
    "secret",
    "api_key",
    "authorization",
    "cookie",
    "file_content",
    "image_bytes",
    "raw_data",
)
REDACTED = "[redacted]"
# In a name: what steers a terminal or breaks a line, and what turns the text about, so that exe.4pm reads as mp4.exe.
STEERING = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def redact(value: object) -> object:
    """Everything under a telling name and every run of bytes is hidden, however deep it sits."""
    if isinstance(value, bytes | bytearray | memoryview):
        return REDACTED
    if isinstance(value, Mapping):
        return {
            key: REDACTED if any(word in str(key).lower().replace("-", "_") for word in SENSITIVE) else redact(item)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [redact(item) for item in value]
    return value


def serialize(record: dict[str, object]) -> str:
    """One line of JSON. An object that JSON does not know is named by its type: its text could hold anything."""
    return json.dumps(redact(record), default=lambda value: f"<{type(value).__name__}>", separators=(",", ":"))
