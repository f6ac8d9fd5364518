"""How long to wait between two tries of what is away: a moment at first, then twice as long each time."""

from __future__ import annotations

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0  # seconds
