"""The name of somebody's file, as it may be shown to somebody else."""

from __future__ import annotations

import re

# What steers a terminal or breaks a line, and what turns the direction of the text, so that exe.4pm reads as mp4.exe.
STEERING = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
MARK = "\ufffd"


def harmless(name: str) -> str:
    """As long as before, so that a bound on its length holds; never refused: it is only shown."""
    return STEERING.sub(MARK, name)
