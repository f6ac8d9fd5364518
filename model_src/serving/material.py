"""Chunks that are encoded together: their frames as one batch, their sound as another, then each gets its share back.

Sound is encoded window by window: wav2vec2 normalises over the whole stretch it is given and attends to all of it, so
what it makes of a second depends on the seconds around it, and one pass over the chunk would give other numbers than
the windows the model was trained on. Windows in which nobody speaks are not encoded: the model does not look at them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model_src.config.schema import ModelConfig
from model_src.models import MultimodalModel
from model_src.preprocess.chunk import Chunk
from model_src.preprocess.errors import ChunkInvalid
from model_src.preprocess.window_audio import WindowAudio, cut_windows
from model_src.serving.encoders import Encoders, FrameCodes, SoundCodes
from model_src.serving.errors import InferenceFailed


@dataclass(frozen=True)
class Material:
    """What one chunk gives the networks to do, checked and cut: the same for every model that is asked."""

    chunk: Chunk
    looks: bool  # whether there is a frame and anybody to look at it
    flow: NDArray[np.float16] | None
    audio: WindowAudio | None  # None: nobody speaks, or nobody listens
    speaks: NDArray[np.int64]  # rows of `audio` to encode


@dataclass(frozen=True)
class Codes:
    """What one model makes of one chunk."""

    frames: FrameCodes | None
    sound: SoundCodes | None  # of every window [W, A, U]; those without speech hold zeros and an empty mask


def material_of(chunk: Chunk, config: ModelConfig) -> Material:
    looks = config.enable_video and len(chunk.crops) > 0
    flow = chunk.flow if looks and config.video.channels == 5 else None
    if looks and config.video.channels == 5 and flow is None:
        raise InferenceFailed("The model looks at optical flow and the chunk carries none.")
    if flow is not None and not np.isfinite(flow).all():
        raise ChunkInvalid("bad_arrays", "The optical flow of the chunk holds a value that is no number.")
    audio = cut_windows(chunk) if config.enable_audio and len(chunk.audio) else None
    speaks = np.flatnonzero(audio.speaks) if audio is not None else np.zeros(0, np.int64)
    return Material(chunk, looks, flow, audio if len(speaks) else None, speaks)


def encode(model: MultimodalModel, encoders: Encoders, batch: Sequence[Material], device: torch.device) -> list[Codes]:
    """One model, every chunk of the batch."""
    frames, sound = encode_frames(model, encoders, batch), encode_sound(encoders, batch, device)
    return [Codes(*codes) for codes in zip(frames, sound, strict=True)]


def encode_frames(model: MultimodalModel, encoders: Encoders, batch: Sequence[Material]) -> list[FrameCodes | None]:
    seen = [each for each in batch if each.looks]
    if not seen:
        return [None] * len(batch)
    flows = [each.flow for each in seen if each.flow is not None]
    codes = encoders.frames(joined([each.chunk.crops for each in seen]), joined(flows) if flows else None)
    counts = [len(each.chunk.crops) if each.looks else 0 for each in batch]
    mouths: Sequence[Tensor | None] = [None] * len(batch) if codes.mouths is None else codes.mouths.split(counts)
    points = torch.from_numpy(joined([each.chunk.points for each in seen])).to(codes.embeddings.device)  # [N, 5, 2]
    shown = model.temporal.with_points(codes.embeddings, points)
    shares = zip(shown.split(counts), codes.maps.split(counts), mouths, strict=True)
    return [FrameCodes(*share) if count else None for share, count in zip(shares, counts, strict=True)]


def encode_sound(encoders: Encoders, batch: Sequence[Material], device: torch.device) -> list[SoundCodes | None]:
    heard = [(each.audio, each.speaks) for each in batch if each.audio is not None]
    if not heard:
        return [None] * len(batch)
    spoken = encoders.sound(
        joined([audio.pcm[rows] for audio, rows in heard]),
        joined([audio.voice[rows] for audio, rows in heard]),
        joined([audio.lengths[rows] for audio, rows in heard]),
    )
    counts = [len(each.speaks) for each in batch]
    shares = zip(batch, spoken.embeddings.split(counts), spoken.mask.split(counts), strict=True)
    return [
        None if each.audio is None else in_place(SoundCodes(embeddings, mask), each.speaks, len(each.audio.pcm), device)
        for each, embeddings, mask in shares
    ]


def in_place(spoken: SoundCodes, speaks: NDArray[np.int64], windows: int, device: torch.device) -> SoundCodes:
    """The encoded rows [R, A, U] where they belong among all windows [W, A, U]."""
    rows = torch.from_numpy(speaks).to(device)
    embeddings = spoken.embeddings.new_zeros(windows, *spoken.embeddings.shape[1:])
    mask = spoken.mask.new_zeros(windows, spoken.mask.shape[1])
    return SoundCodes(embeddings.index_copy(0, rows, spoken.embeddings), mask.index_copy(0, rows, spoken.mask))


def joined(arrays: list[NDArray]) -> NDArray:
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
