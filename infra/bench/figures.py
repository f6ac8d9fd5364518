"""Where a benchmark leaves its figures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def save(name: str, figures: Mapping[str, Any]) -> Path:
    target = Path("out") / f"{name}.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(figures, indent=2) + "\n")
    return target
