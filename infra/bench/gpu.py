"""How many seconds of video a GPU scores in a second, whether its numbers are right, and where its time goes.

    python -m infra.bench.gpu              # writes out/bench-gpu.json

Weights are random, as in `infra.bench.serve`, which measures the same on its way.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from infra.bench.figures import save
from infra.bench.material import BASE_SECONDS, CLIP_SECONDS, base_video, pack, repeat, split_clip

CLIENTS = 16  # chunks under way at a time, twice as many as fit a batch: the next one gathers while one is scored
BATCH = 8
ROUNDS = 20  # of all clients
ARITHMETIC = (
    "gemm",
    "nvjet",
    "xmma",
    "cutlass",
    "convolve",
    "conv1d",
    "conv2d",
    "conv_depthwise",
    "fprop",
    "flash",
    "fmha",
)
LAUNCHES = ("cudaLaunchKernel", "cudaLaunchKernelExC", "cudaGraphLaunch", "cuLaunchKernel", "cuLaunchKernelEx")


def measure_gpu(model_folder: Path, clip: Path) -> dict[str, Any] | None:
    """Figures of the packaged model on the clip's chunks; None, and a sentence, where there is no GPU."""
    import torch

    if not gpu_is_here():
        return None
    from model_src.preprocess.chunk import Chunk
    from model_src.serving.batching import BatchingScorer
    from model_src.serving.default import DEFAULT_MODEL
    from model_src.serving.model_directory import ModelDirectory
    from model_src.serving.work import score_chunk

    bodies = [path.read_bytes() for path in sorted(clip.iterdir())]
    chunks = [Chunk.from_bytes(body) for body in bodies]
    with ThreadPoolExecutor(1) as loading:  # as the server does: the thread that records is gone when others score
        predictor = loading.submit(ModelDirectory(model_folder).load).result()  # refuses if the probe chunk differs
    together = BatchingScorer(predictor, BATCH)
    work = [bodies[turn % len(bodies)] for turn in range(CLIENTS * ROUNDS)]
    length = sum(chunks[turn % len(chunks)].end - chunks[turn % len(chunks)].start for turn in range(len(work)))
    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(lambda body: score_chunk(together, body), work[: 2 * CLIENTS]))  # warm
        torch.cuda.synchronize()
        began = time.perf_counter()
        list(pool.map(lambda body: score_chunk(together, body), work))  # from the bytes to the answer's JSON
        seconds = time.perf_counter() - began
    peak_mb = round(torch.cuda.max_memory_allocated() / 2**20)
    figures = {
        "device": torch.cuda.get_device_name(),
        "video_seconds_per_second": round(length / seconds, 1),
        **parity(predictor, model_folder, chunks),
        "shipped": parity(ModelDirectory(DEFAULT_MODEL).load(), DEFAULT_MODEL, chunks),
        "peak_mb": peak_mb,
        "shares": profile(predictor, [chunks[turn % len(chunks)] for turn in range(BATCH)]),
    }
    show(figures)
    return figures


def gpu_is_here() -> bool:
    import torch

    found = torch.cuda.is_available()
    if not found:
        print("No CUDA device is here: video-seconds per second, parity and time shares of a GPU are left out.")
    return found


def parity(predictor: Any, model_folder: Path, chunks: Sequence[Any]) -> dict[str, Any]:
    """How far the GPU's probabilities are from those of float32 on the processor."""
    from model_src.serving.model_directory import read_models
    from model_src.serving.parity import difference, probabilities
    from model_src.serving.predictor import Predictor

    (model,) = read_models(model_folder)
    exact = Predictor(model, model_version="exact", trained=False, device="cpu")
    found = [
        difference(probabilities(predictor.score_chunk(chunk)), probabilities(exact.score_chunk(chunk)))
        for chunk in chunks
    ]
    return {"max_diff": max(each.largest for each in found), "same_class": all(each.same_class for each in found)}


def profile(predictor: Any, batch: Sequence[Any]) -> dict[str, float]:
    """Where the time of one batch goes, by torch's profiler."""
    import torch
    from torch.profiler import ProfilerActivity

    torch.cuda.synchronize()
    began = time.perf_counter()
    predictor.score_chunks(batch)
    torch.cuda.synchronize()
    wall = time.perf_counter() - began  # without the profiler, which slows the host
    with torch.profiler.profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as profiler:
        predictor.score_chunks(batch)
        torch.cuda.synchronize()
    events = profiler.key_averages()
    on_gpu = [event for event in events if event.device_type.name == "CUDA"]
    kernels = {event.key: event.self_device_time_total / 1e6 for event in on_gpu}
    launches = sum(event.self_cpu_time_total for event in events if event.key in LAUNCHES) / 1e6
    return shares(wall, kernels, launches)


def shares(wall: float, kernels: Mapping[str, float], launches: float) -> dict[str, float]:
    """Seconds of every kernel by its name, and of launching them -> shares of the wall time; they add up to 1.

    `launch` is the time the GPU waits while kernels are being launched, `host` the rest of its waiting.
    """
    arithmetic = sum(seconds for name, seconds in kernels.items() if does_arithmetic(name))
    memory = sum(kernels.values()) - arithmetic
    whole = max(wall, arithmetic + memory)
    launch = min(launches, whole - arithmetic - memory)
    host = whole - arithmetic - memory - launch
    parts = {"arithmetic": arithmetic, "memory": memory, "launch": launch, "host": host}
    return {name: round(seconds / whole, 3) for name, seconds in parts.items()}


def does_arithmetic(kernel: str) -> bool:
    """Matrix products and convolutions; everything else moves more bytes than it computes with."""
    return any(word in kernel.lower() for word in ARITHMETIC)


def show(figures: Mapping[str, Any]) -> None:
    print(
        f"\n{figures['device']}: {figures['video_seconds_per_second']:.0f} video-seconds per second, "
        f"{agreement(figures)}, {figures['peak_mb']} MB"
    )
    print(f"  the shipped model: {agreement(figures['shipped'])}")
    for name, share in figures["shares"].items():
        print(f"  {name:12}{share:7.1%}")


def agreement(found: Mapping[str, Any]) -> str:
    same = "same class everywhere" if found["same_class"] else "OTHER CLASS"
    return f"largest difference {found['max_diff']:.1e} ({same})"


def main() -> None:
    if not gpu_is_here():
        raise SystemExit(1)
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary)
        video = repeat(base_video(place / "base.mp4"), CLIP_SECONDS // BASE_SECONDS, place / "clip.mp4")
        figures = measure_gpu(pack("contract-v1", place / "model"), split_clip(video, place / "clip"))
    assert figures is not None  # there is a GPU
    print("->", save("bench-gpu", figures))


if __name__ == "__main__":
    main()
