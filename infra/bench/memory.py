"""How much memory a process holds, and the most it has held, as Linux counts it."""

from __future__ import annotations

from pathlib import Path


def peak_mb(pid: int) -> float:
    """Asked of /proc, as `RUSAGE_SELF` begins with the peak of the process that started the one it is asked of."""
    return read_mb(pid, "VmHWM")


def resident_mb(pid: int) -> float:
    return read_mb(pid, "VmRSS")


def read_mb(pid: int, line: str) -> float:
    status = Path(f"/proc/{pid}/status").read_text()  # a line each, as `VmRSS:     1234 kB`
    return int(status.split(f"{line}:")[1].split()[0]) / 1024
