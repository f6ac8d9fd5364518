"""A clip scored one way, again and again, in a process that does nothing else.

`scoring` starts it (`python -m infra.bench.one_way WAY MODEL CLIP`) and asks for one turn at a time, by a line each.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from infra.bench.memory import peak_mb, resident_mb
from infra.bench.scoring import DESIGN
from model_src.models import load_for_inference
from model_src.models.inputs import frames_from_crops, waveform_from_pcm
from model_src.preprocess.chunk import SAMPLE_RATE, VOICE_CELL, Chunk
from model_src.serving import saliency
from model_src.serving.backends import make_encoders
from model_src.serving.graph_encoders import keep_heads_only
from model_src.serving.parity import probabilities, probe_chunk
from model_src.serving.predictor import Predictor


def take_turns(way: str, model_folder: Path, clip: Path) -> None:
    """Scores the clip once for every line it is sent, and answers with a line of figures."""
    chunks = [Chunk.from_bytes(path.read_bytes()) for path in sorted(clip.iterdir())]
    model = load_for_inference(model_folder)
    explaining = Stopwatch(vars(saliency)["grad_cam"])
    vars(saliency)["grad_cam"] = explaining
    score = score_as_designed(model) if way == DESIGN else score_as_served(way, model, model_folder)
    score(probe_chunk())  # warm
    print(json.dumps("ready"), flush=True)
    for _ in sys.stdin:
        explaining.seconds, began = 0.0, time.perf_counter()
        scores = [value for chunk in chunks for value in score(chunk)]
        figures = {
            "seconds": time.perf_counter() - began,
            "cam_seconds": explaining.seconds,
            "probabilities": scores,
            "peak_mb": peak_mb(os.getpid()),
            "resident_mb": resident_mb(os.getpid()),
        }
        print(json.dumps(figures), flush=True)


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


def score_as_served(way: str, model: Any, model_folder: Path) -> Callable[[Chunk], list[float]]:
    """Our way: the whole of `score_chunk`, on the backend of that name."""
    if way != "torch":
        keep_heads_only(model)
    encoders = make_encoders(way, model, model_folder)  # type: ignore[arg-type]
    ours = Predictor(model, model_version="bench", trained=False, encoders=[encoders])
    return lambda chunk: probabilities(ours.score_chunk(chunk))


def score_as_designed(model: Any) -> Callable[[Chunk], list[float]]:
    """The design documents' way: cut each window out of the video and run the whole network on it."""

    def score(chunk: Chunk) -> list[float]:
        with torch.inference_mode():
            places = zip(chunk.window_frames, chunk.window_starts, strict=True)
            return [value for frames, start in places for value in score_window(model, chunk, frames, float(start))]

    return score


def score_window(model: Any, chunk: Chunk, places: Any, window_start: float) -> list[float]:
    """Probabilities of the window whose frames lie at `places` [T] of the chunk: fused, video, audio."""
    frames = frames_from_crops(torch.from_numpy(chunk.crops[places.clip(min=0)]))[None]  # [1, T, 3, 224, 224]
    first = round((window_start - chunk.start) * SAMPLE_RATE)
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
    return [fused, video, audio]


if __name__ == "__main__":
    way, model_folder, clip = sys.argv[1:]
    take_turns(way, Path(model_folder), Path(clip))
