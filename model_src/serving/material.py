"""Chunks that are encoded together: their frames as one batch, their sound as another.

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
    """What one model makes of a batch, its chunks one after the other."""

    frames: FrameCodes | None  # [N, ...], None: nobody looks, or there is no frame
    sound: SoundCodes | None  # [R, ...], of the seconds in which somebody speaks; None: there is no such


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


def encode(model: MultimodalModel, encoders: Encoders, batch: Sequence[Material], device: torch.device) -> Codes:
    """One model, every chunk of the batch."""
    return Codes(encode_frames(model, encoders, batch, device), encode_sound(encoders, batch, device))


def encode_frames(
    model: MultimodalModel, encoders: Encoders, batch: Sequence[Material], device: torch.device
) -> FrameCodes | None:
    seen = [each for each in batch if each.looks]
    if not seen:
        return None
    flows = [each.flow for each in seen if each.flow is not None]
    crops = joined([each.chunk.crops for each in seen], device)  # [N, 224, 224, 3]
    codes = encoders.frames(crops, joined(flows, device) if flows else None)
    points = joined([each.chunk.points for each in seen], device)  # [N, 5, 2]
    return FrameCodes(model.temporal.with_points(codes.embeddings, points), codes.maps, codes.mouths)


def encode_sound(encoders: Encoders, batch: Sequence[Material], device: torch.device) -> SoundCodes | None:
    heard = [(each.audio, each.speaks) for each in batch if each.audio is not None]
    if not heard:
        return None
    return encoders.sound(
        joined([audio.pcm[rows] for audio, rows in heard], device),
        joined([audio.voice[rows] for audio, rows in heard], device),
        np.concatenate([audio.lengths[rows] for audio, rows in heard]),
    )


def joined(arrays: Sequence[NDArray], device: torch.device) -> Tensor:
    """Row after row, put together where they go: a GPU copies them many times faster than the processor would."""
    parts = [torch.from_numpy(array).to(device) for array in arrays]
    return parts[0] if len(parts) == 1 else torch.cat(parts)
