"""The processes of one host: started as torchrun would, told to stop together, and ended together when one fails."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Sequence

from model_src.training.position import STOPPED
from model_src.training_job.cluster import Cluster

GOES_ON = (None, 0, STOPPED, -signal.SIGTERM)
LOOK_EVERY = 0.2  # seconds


def run_team(cluster: Cluster, command: Sequence[str]) -> int:
    """0 when all have finished, STOPPED when they were told to stop, else the status of the first that failed."""
    team: list[subprocess.Popen[bytes]] = []
    told = False

    def pass_on(*_: object) -> None:
        nonlocal told
        told = True
        for member in team:
            member.send_signal(signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, pass_on)
    try:
        for local in range(cluster.processes):
            team.append(subprocess.Popen(command, env=os.environ | cluster.variables(local)))
            if told:  # while this one was being started: it has not heard of it
                pass_on()
        while any(member.poll() is None for member in team):
            if failed := [status for member in team if (status := member.poll()) not in GOES_ON]:
                return failed[0] or 1
            time.sleep(LOOK_EVERY)
        codes = [member.returncode for member in team]
        return next((code for code in codes if code not in GOES_ON), STOPPED if told or any(codes) else 0)
    finally:
        for member in team:
            member.kill()  # the others would wait for the one that failed for ever
            member.wait()
        signal.signal(signal.SIGTERM, before)
