"""The ways to run the networks on a processor, by name, and whether this machine can."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import torch

from model_src.models import MultimodalModel
from model_src.serving.encoders import Encoders, TorchEncoders
from model_src.serving.give_back_memory import give_back_memory
from model_src.serving.graph_encoders import GraphEncoders
from model_src.serving.graphs import FRAMES, SOUND
from model_src.serving.names import of_member
from model_src.serving.runtimes import OnnxRuntime, OpenVino, Runtime

Backend = Literal["torch", "onnxruntime", "openvino", "openvino-bf16"]

# How far a window's probability may be from what PyTorch says in float32.
BOUNDS: dict[Backend, float] = {"torch": 1e-3, "onnxruntime": 1e-3, "openvino": 1e-3, "openvino-bf16": 2e-2}

PROCESSOR = Path("/proc/cpuinfo")
BF16_FLAGS = {"avx512_bf16", "amx_bf16", "bf16"}  # the last is what ARM calls it


def usable() -> list[Backend]:
    """The backends this machine has the library and the processor for. bf16 in software would only be slower."""
    found: list[Backend] = ["torch"]
    if find_spec("onnxruntime"):
        found.append("onnxruntime")
    if find_spec("openvino"):
        found += ["openvino", "openvino-bf16"] if has_bf16(PROCESSOR) else ["openvino"]
    return found


def has_bf16(processor: Path) -> bool:
    """Whether the processor multiplies bf16 by itself; where nothing tells, it does not."""
    if not processor.exists():
        return False
    lines = processor.read_text().splitlines()
    flags = (line.partition(":")[2].split() for line in lines if line.lower().startswith(("flags", "features")))
    return bool(BF16_FLAGS & set(next(flags, [])))


def make_encoders(backend: Backend, model: MultimodalModel, folder: Path, member: int = 1) -> Encoders:
    """The encoders of that name, from the member's graphs in the folder; on as many threads as torch takes."""
    if backend == "torch":
        return TorchEncoders(model, torch.device("cpu"))
    threads = torch.get_num_threads()
    start: dict[Backend, Callable[[Path], Runtime]] = {
        "onnxruntime": lambda path: OnnxRuntime(path, threads),
        "openvino": lambda path: OpenVino(path, "f32", threads),
        "openvino-bf16": lambda path: OpenVino(path, "bf16", threads),
    }
    frames = None
    if model.config.enable_video:
        exact: Backend = "openvino" if backend == "openvino-bf16" and model.video_encoder.compares else backend
        frames = start[exact](folder / of_member(FRAMES, member))
    sound = start[backend](folder / of_member(SOUND, member)) if model.config.enable_audio else None
    give_back_memory()  # what compiling took
    return GraphEncoders(model, frames, sound)
