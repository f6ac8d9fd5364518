"""A table that people open in a spreadsheet: a name in it stays a name, and is never run as a formula."""

from __future__ import annotations

import re
from typing import Any

# A dash may begin a plain name, as one video in 32 on YouTube does; with nothing to reckon or call it does no harm.
FORMULA = re.compile(r"[=+@\t\r]|-.*[^\w.-]", re.DOTALL)


def as_text(value: Any) -> Any:
    """What a spreadsheet would take for a formula, behind the mark that tells it not to. Numbers stay numbers."""
    return f"'{value}" if isinstance(value, str) and FORMULA.match(value) else value
