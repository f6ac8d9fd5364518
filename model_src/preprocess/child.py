"""The child's side of the sandbox: take one job, give up every right it does not need, answer with messages."""

from __future__ import annotations

import json
import os
import resource
import sys
from pathlib import Path
from typing import Any, BinaryIO

from model_src.preprocess.errors import DetectorUnavailable, VideoRejected
from model_src.preprocess.limits import Limits
from model_src.preprocess.messages import FAILED, READY, REJECTED, send, send_json


def main() -> int:
    job = json.loads(sys.argv[1])
    # Libraries may print: the pipe to the parent is kept apart from the standard output.
    with os.fdopen(os.dup(1), "wb") as pipe:
        os.dup2(2, 1)
        serve(job, pipe)
    return 0


def serve(job: dict[str, Any], pipe: BinaryIO) -> None:
    """Do one job and send its messages. Whatever the file does to us becomes a rejection."""
    try:
        run = _task(job["task"])
        confine(job["cpu_seconds"], job["memory_mb"])
        send(pipe, READY)
        run(job, Limits(**job["limits"]), pipe)
    except VideoRejected as rejection:
        send_json(pipe, REJECTED, {"code": rejection.code, "message": rejection.message})
    except MemoryError:
        message = "Reading the file needs more memory than any valid video does."
        send_json(pipe, REJECTED, {"code": "corrupt_video", "message": message})
    except Exception as error:  # noqa: BLE001 - told to the parent, which raises
        kind = DetectorUnavailable.__name__ if isinstance(error, DetectorUnavailable) else type(error).__name__
        message = str(error) if isinstance(error, DetectorUnavailable) else f"{kind}: {error}"
        send_json(pipe, FAILED, {"kind": kind, "message": message})


def _task(name: str) -> Any:
    # Imported before memory is bounded, and only what the task needs: a probe loads no network.
    if name == "probe":
        from model_src.preprocess.inspect_video import probe_task

        return probe_task
    if name == "split":
        from model_src.preprocess.pipeline import split_task

        return split_task
    if name == "frames":
        from model_src.preprocess.single_frames import frames_task

        return frames_task
    raise ValueError(f"no such task: {name}")


def confine(cpu_seconds: int, memory_mb: int) -> None:
    """From here on: bounded memory and time, no file written, no core dumped."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    allowed = used + memory_mb * 1024**2
    resource.setrlimit(resource.RLIMIT_AS, (allowed, allowed))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))


if __name__ == "__main__":
    sys.exit(main())
