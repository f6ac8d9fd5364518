"""How far a run has come, and the two ways in which it ends before its time."""

from __future__ import annotations

import math
import signal
from dataclasses import dataclass, field

STOPPED = 128 + signal.SIGTERM  # the exit status of whoever went because of SIGTERM


class Stopped(Exception):
    """Somebody asked the run to stop; the latest checkpoint has everything to go on from."""


class Diverged(RuntimeError):
    """The loss, the weights or the answers are no numbers any more."""


@dataclass
class Position:
    """How far a run has come."""

    epoch: int = 0
    step: int = 0  # within the epoch
    total_steps: int = 0
    best_auc: float = -math.inf
    best_epoch: int = -1
    stale_epochs: int = 0  # since the best
    sums: dict[str, float] = field(default_factory=dict)  # of the losses of this epoch
    skipped: int = 0  # videos passed over in this epoch
