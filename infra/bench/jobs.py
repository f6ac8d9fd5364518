"""Whole jobs on the embedded stack: how long each takes, and by how much a longer video costs more.

Imports stand where they are needed, so that no measured process carries the libraries of another.
"""

from __future__ import annotations

import time
from pathlib import Path
from statistics import linear_regression, median

JOB_RUNS = {10: 3, 30: 3, 120: 1, 600: 1}  # length in seconds: how often; the median counts


def measure_jobs(model_folder: Path, videos: dict[int, Path], home: Path) -> dict[int, float]:
    """Seconds from the first call of the API to the verdict, on the embedded stack, warm."""
    from infra.cli.client import ApiClient
    from infra.local.stack import EmbeddedStack

    taken = {}
    with EmbeddedStack(home, ["--model-dir", str(model_folder)]) as stack:
        client = ApiClient(stack.api_url, stack.token())

        def once(video: Path) -> float:
            began = time.perf_counter()
            announced = client.announce(video)
            client.upload(announced, video)
            job = client.follow(announced.job_id, lambda _: None, seconds=900)
            if job.status != "completed":
                raise RuntimeError(f"the job of {video.name} ended as {job.status}: {job.error}")
            return time.perf_counter() - began

        once(videos[min(videos)])  # warm
        for seconds, video in videos.items():
            taken[seconds] = round(median(once(video) for _ in range(JOB_RUNS[seconds])), 2)
            print(f"job of {seconds} s: {taken[seconds]:.1f} s", flush=True)
    return taken


def growth(seconds: dict[int, float]) -> dict[str, float]:
    """What any job costs, however short (`fixed_seconds`: the steps of the workflow and the client's polling), what a
    second of video costs beside that, and by which share it costs more in the longest video than in the shorter ones.
    """
    longest = max(seconds)
    short = [length for length in seconds if length != longest]
    per_second, fixed = linear_regression(short, [seconds[length] for length in short])
    return {
        "fixed_seconds": round(fixed, 2),
        "seconds_per_video_second": round(per_second, 4),
        "growth": round((seconds[longest] - fixed) / longest / per_second - 1, 3),
    }
