"""How fast a clip is scored: the design documents' way next to ours on every backend, and a whole job end to end.

    python -m infra.bench.serve            # writes out/bench-serve.json; about ten minutes

The clip is made of real frames and a synthetic voice, 30 s in 60 windows, split once. (a) the design's way runs every
window by itself through the whole network, in eager float32; (b) ours is the complete `score_chunk`, with dropout
passes and Grad-CAM, which (a) is spared. Each way is a process of its own, so that its peak memory is its own. They
take turns, one at a time, and medians count: whatever else the machine does slows all of them alike. Weights are
random: speed asks for no more, and probabilities near one half show every difference.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import linear_regression, median
from typing import Any

from infra.bench.figures import save
from infra.bench.gpu import measure_gpu
from infra.bench.material import BASE_SECONDS, CLIP_SECONDS, base_video, pack, repeat, split_clip

MODELS = ("contract-v1", "compact")
DESIGN = "design"
JOB_RUNS = {10: 3, 30: 3, 120: 1, 600: 1}  # length in seconds: how often; the median counts


# --- one way, in a process of its own ---------------------------------------------------------------------------------


def worker(way: str, model_folder: Path, clip: Path) -> None:
    """Scores the clip once for every line it is sent, and answers with a line of figures."""
    import torch

    from model_src.models import load_for_inference
    from model_src.preprocess.chunk import Chunk
    from model_src.serving import saliency
    from model_src.serving.backends import make_encoders
    from model_src.serving.graph_encoders import keep_heads_only
    from model_src.serving.parity import probabilities, probe_chunk
    from model_src.serving.predictor import Predictor

    chunks = [Chunk.from_bytes(path.read_bytes()) for path in sorted(clip.iterdir())]
    model = load_for_inference(model_folder)
    explaining = Stopwatch(vars(saliency)["grad_cam"])
    vars(saliency)["grad_cam"] = explaining
    if way == DESIGN:

        def score(chunk: Chunk) -> list[float]:
            with torch.inference_mode():
                return window_by_window(model, chunk)

    else:
        if way != "torch":
            keep_heads_only(model)
        encoders = make_encoders(way, model, model_folder)  # type: ignore[arg-type]
        ours = Predictor(model, model_version="bench", trained=False, encoders=[encoders])

        def score(chunk: Chunk) -> list[float]:
            return probabilities(ours.score_chunk(chunk))

    score(probe_chunk())  # warm
    print(json.dumps("ready"), flush=True)
    for _ in sys.stdin:
        explaining.seconds, began = 0.0, time.perf_counter()
        scores = [value for chunk in chunks for value in score(chunk)]
        seconds = time.perf_counter() - began
        figures = {"seconds": seconds, "cam_seconds": explaining.seconds, "probabilities": scores}
        print(json.dumps(figures | {"peak_mb": memory_mb("VmHWM"), "resident_mb": memory_mb("VmRSS")}), flush=True)


def memory_mb(what: str) -> float:
    return int(Path("/proc/self/status").read_text().split(f"{what}:")[1].split()[0]) / 1024


def window_by_window(model: Any, chunk: Any) -> list[float]:
    """The design documents' way: cut each window out of the video and run the whole network on it."""
    import torch

    from model_src.models.inputs import frames_from_crops, waveform_from_pcm
    from model_src.preprocess.chunk import SAMPLE_RATE, VOICE_CELL

    found = []
    for places, start in zip(chunk.window_frames, chunk.window_starts, strict=True):
        frames = frames_from_crops(torch.from_numpy(chunk.crops[places.clip(min=0)]))[None]  # [1, T, 3, 224, 224]
        first = round((float(start) - chunk.start) * SAMPLE_RATE)
        sound = waveform_from_pcm(torch.from_numpy(chunk.audio[first : first + SAMPLE_RATE]))[None]  # [1, S]
        voice = torch.zeros(1, 50, dtype=torch.bool)
        cells = chunk.voice[first // VOICE_CELL : first // VOICE_CELL + 50]
        voice[0, : len(cells)] = torch.from_numpy(cells)
        there = torch.from_numpy(places >= 0)[None]  # [1, T]
        points = torch.from_numpy(chunk.points[places.clip(min=0)])[None]  # [1, T, 5, 2]
        windows = model.outputs(frames, sound, points=points, frame_mask=there, voice=voice).windows
        fused = windows.fused.softmax(-1)[0, 1].item()
        video = windows.video.softmax(-1)[0, 1].item() if windows.has_video[0] else fused
        audio = windows.audio.softmax(-1)[0, 1].item() if windows.has_audio[0] else fused
        found += [fused, video, audio]
    return found


class Stopwatch:
    """A function that knows how long it has taken so far."""

    def __init__(self, function: Any) -> None:
        self.function, self.seconds = function, 0.0

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        began = time.perf_counter()
        try:
            return self.function(*arguments, **named)
        finally:
            self.seconds += time.perf_counter() - began


class Worker:
    def __init__(self, way: str, model_folder: Path, clip: Path) -> None:
        command = [sys.executable, "-W", "ignore", "-m", "infra.bench.serve", "--worker", way]
        self._child = subprocess.Popen(
            [*command, str(model_folder), str(clip)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"OMP_WAIT_POLICY": "PASSIVE"},  # as `serve` runs; those that wait must not spin
        )
        self.answer()

    def turn(self) -> dict[str, Any]:
        assert self._child.stdin is not None
        self._child.stdin.write("go\n")
        self._child.stdin.flush()
        return dict(self.answer())

    def answer(self) -> Any:
        assert self._child.stdout is not None
        for line in self._child.stdout:
            if line.startswith(("{", '"ready"')) and '"level"' not in line:  # the rest is the log
                return json.loads(line)
        raise RuntimeError(f"a measured process ended with {self._child.wait()}")

    def close(self) -> None:
        assert self._child.stdin is not None
        self._child.stdin.close()
        self._child.wait()


# --- scoring ----------------------------------------------------------------------------------------------------------


def compare(model_folder: Path, clip: Path, rounds: int) -> dict[str, dict[str, Any]]:
    """Figures of every way, the design's first."""
    from model_src.serving.backends import usable
    from model_src.serving.parity import difference

    workers = {way: Worker(way, model_folder, clip) for way in (DESIGN, *usable())}
    turns = [{way: worker.turn() for way, worker in workers.items()} for _ in range(rounds)]
    for worker in workers.values():
        worker.close()
    rows: dict[str, dict[str, Any]] = {}
    for way in workers:
        taken = [turn[way] for turn in turns]
        found = difference(taken[-1]["probabilities"], turns[-1][DESIGN]["probabilities"])
        rows[way] = {
            "seconds": round(median(each["seconds"] for each in taken), 3),
            "ratio": round(median(turn[DESIGN]["seconds"] / turn[way]["seconds"] for turn in turns), 2),
            "peak_mb": round(max(each["peak_mb"] for each in taken)),  # while the model starts
            "resident_mb": round(taken[-1]["resident_mb"]),  # while it serves
            "max_diff": found.largest,
            "same_class": found.same_class,
            "crossed_one_half": crossed(taken[-1]["probabilities"], turns[-1][DESIGN]["probabilities"]),
            "cam_share": round(median(each["cam_seconds"] / each["seconds"] for each in taken), 4),
        }
    return rows


def crossed(ours: list[float], reference: list[float]) -> int:
    """Windows on the other side of one half than the design's. All are 'uncertain' either way if `same_class` holds."""
    return sum((a > 0.5) != (b > 0.5) for a, b in zip(ours[::3], reference[::3], strict=True))


def show(name: str, rows: dict[str, dict[str, Any]]) -> None:
    print(
        f"\n{name:16} {'seconds':>8} {'ratio':>7} {'peak MB':>8} {'then MB':>8} {'max diff':>9} {'class':>6} {'CAM':>6}"
    )
    for way, row in rows.items():
        same = "same" if row["same_class"] else "OTHER"
        print(
            f"{way:16} {row['seconds']:8.2f} {row['ratio']:6.2f}x {row['peak_mb']:8} {row['resident_mb']:8} "
            f"{row['max_diff']:9.1e} "
            f"{same:>6} {row['cam_share']:6.1%}",
            flush=True,
        )


# --- whole jobs -------------------------------------------------------------------------------------------------------


def jobs(model_folder: Path, videos: dict[int, Path], home: Path) -> dict[int, float]:
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


# --- all of it --------------------------------------------------------------------------------------------------------


def bench(rounds: int, job_lengths: Sequence[int]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary)
        base = base_video(place / "base.mp4")
        lengths = {*job_lengths, CLIP_SECONDS}
        videos = {length: repeat(base, length // BASE_SECONDS, place / f"{length}.mp4") for length in sorted(lengths)}
        split_clip(videos[CLIP_SECONDS], place / "clip")
        figures: dict[str, Any] = {"cores": len(os.sched_getaffinity(0)), "rounds": rounds, "models": {}}
        for name in MODELS:
            rows = compare(pack(name, place / name), place / "clip", rounds)
            show(name, rows)
            figures["models"][name] = rows
            figures[f"ratio_{name.replace('-', '_')}"] = max(row["ratio"] for row in rows.values())
        figures |= summary(figures["models"]) | {"gpu": measure_gpu(place / "contract-v1", place / "clip")}
        if job_lengths:
            seconds = jobs(place / "contract-v1", videos, place / "stack")
            figures["job_seconds"] = seconds
            figures["job_seconds_30s_720p"] = seconds[CLIP_SECONDS]
            figures |= growth(seconds)
    return figures


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


def summary(models: dict[str, dict[str, dict[str, Any]]]) -> dict[str, Any]:
    """The largest differences of all models, and the share of Grad-CAM where scoring is fastest."""
    every = [(way, row) for rows in models.values() for way, row in rows.items()]
    fastest = max(models["contract-v1"].values(), key=lambda row: float(row["ratio"]))
    bf16 = [row["max_diff"] for way, row in every if way.endswith("bf16")]
    return {
        "max_diff_fp32": max(row["max_diff"] for way, row in every if not way.endswith("bf16")),
        "max_diff_bf16": max(bf16) if bf16 else None,
        "same_class": all(row["same_class"] for _, row in every),
        "cam_share": fastest["cam_share"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--worker", nargs=3, metavar=("WAY", "MODEL", "CLIP"), help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=3, help="turns of every way; their median counts")
    parser.add_argument("--no-jobs", action="store_true", help="leave the whole jobs on the embedded stack out")
    parser.add_argument("--longest", type=int, default=max(JOB_RUNS), help="seconds of the longest job, at least 120")
    arguments = parser.parse_args()
    if arguments.worker:
        way, model_folder, clip = arguments.worker
        worker(way, Path(model_folder), Path(clip))
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # stopped from outside, it still stops what it started
    longest = max(arguments.longest, 120)  # the growth needs three lengths
    figures = bench(arguments.rounds, [] if arguments.no_jobs else [each for each in JOB_RUNS if each <= longest])
    target = save("bench-serve", figures)
    print("\n", {name: value for name, value in figures.items() if name != "models"}, "->", target)


if __name__ == "__main__":
    main()
