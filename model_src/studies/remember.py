"""What took hours is done once: a result is kept with what it was made from, and read again while that is the same."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from model_src.write_whole import write_whole


def remembered(path: Path, made_from: Any, make: Callable[[], Any]) -> Any:
    """The JSON value that `make` gives, from the file if it was made from the same; written in one step."""
    key = fingerprint(made_from)
    if path.is_file():
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept["made_from"] == key:
            return kept["value"]
    value = make()
    with write_whole(path) as unfinished:
        unfinished.write_text(json.dumps({"made_from": key, "value": value}, indent=1) + "\n", encoding="utf-8")
    return value


def fingerprint(plain: Any) -> str:
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:12]


def folder_name(name: str) -> str:
    """A name as part of a path."""
    return re.sub(r"[^\w.=-]+", "-", name).strip("-.") or "unnamed"
