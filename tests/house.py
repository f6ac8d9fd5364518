"""Where the repository lies."""

from __future__ import annotations

from pathlib import Path

HOUSE = Path(__file__).resolve().parents[1]
