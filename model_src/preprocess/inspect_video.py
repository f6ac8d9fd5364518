"""The child's side of a probe: read the file and state the facts."""

from __future__ import annotations

import os
from typing import Any, BinaryIO

from model_src.preprocess.audio import describe_audio
from model_src.preprocess.limits import Limits
from model_src.preprocess.messages import RESULT, send_json
from model_src.preprocess.probe import VideoInfo
from model_src.preprocess.scan import scan
from model_src.preprocess.source import choose_demuxer

CONTAINER_NAMES = {"mov": "MP4/MOV", "matroska": "Matroska/WebM", "avi": "AVI"}


def probe_task(job: dict[str, Any], limits: Limits, pipe: BinaryIO) -> None:
    send_json(pipe, RESULT, inspect(job["descriptor"], limits).to_dict())


def inspect(descriptor: int, limits: Limits) -> VideoInfo:
    found = scan(descriptor, limits)
    audio = describe_audio(descriptor, limits)
    return VideoInfo(
        container=CONTAINER_NAMES[choose_demuxer(descriptor)],
        codec=found.codec,
        pixel_format=found.pixel_format,
        width=found.size[0],
        height=found.size[1],
        rotation=found.turns * 90,
        frame_rate=found.frame_rate,
        variable_frame_rate=found.variable,
        duration=float(found.duration),
        frame_count=len(found.times),
        size_bytes=os.fstat(descriptor).st_size,
        has_audio=audio is not None,
        audio_codec=audio.codec if audio else None,
        audio_sample_rate=audio.sample_rate if audio else None,
        audio_channels=audio.channels if audio else None,
    )
