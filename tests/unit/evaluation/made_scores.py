"""Scores of videos that nobody watched: a detector of known quality."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from model_src.data.video import Video
from model_src.evaluation.score import Scored
from model_src.verdict.aggregate import VideoScores
from model_src.verdict.scores import Calibration, FrameScore, WindowScore


def made_scores(label: int, generator: np.random.Generator, *, skill: float = 1.5, windows: int = 6) -> VideoScores:
    centre = generator.normal(skill if label else -skill, 1.5)
    logits = centre + generator.normal(0, 0.8, windows)
    return VideoScores(
        model_version="made-1",
        trained=True,
        calibration=Calibration(method="temperature", scale=0.8),
        logit=float(logits.mean()),
        video_logit=float(centre),
        audio_logit=None if generator.random() < 0.2 else float(centre / 2),
        lip_sync=0.4,
        passes=[float(logits.mean())] * 3,
        windows=[
            WindowScore(index=n, start=n / 2, end=n / 2 + 1, logit=float(value), video_logit=float(value))
            for n, value in enumerate(logits)
        ],
        frames=[FrameScore(frame_id=n, timestamp=n / 5, logit=float(value)) for n, value in enumerate(logits)],
        audio_anomalies=[],
    )


def made_scored(count: int = 120, seed: int = 0, skill: float = 1.5) -> list[Scored]:
    """Four videos a person, two sources, two methods."""
    generator = np.random.default_rng(seed)
    return [
        Scored(
            Video(
                video_id=f"v{number:03d}",
                label=number % 2,
                split="test",
                path=Path("none.mp4"),
                source=("studio", "street")[number // 2 % 2],
                method=("swap", "lips")[number // 4 % 2] if number % 2 else "real",
            ),
            f"person{number // 4}",
            made_scores(number % 2, generator, skill=skill),
        )
        for number in range(count)
    ]
