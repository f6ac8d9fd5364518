"""The expensive half of the model: frames and sound to encodings, each exactly once.

Everything else a chunk needs (windows, heads, MC dropout, saliency) starts from these encodings, so a faster way to run
the networks has to replace this one class and nothing more. On a processor the rest costs little; on a GPU it took
longer than the networks, so chunks pass through the heads together (infra/decisions.md, 2026-11-27).
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from model_src.models import MultimodalModel
from model_src.models.inputs import frames_from_crops, waveform_from_pcm

# How many rows at a time: a processor's caches hold few, a GPU wants many.
FRAME_BATCH = {"cpu": 16, "cuda": 128}
SOUND_BATCH = {"cpu": 8, "cuda": 64}


@dataclass(frozen=True)
class FrameCodes:
    embeddings: Tensor  # [N, D]; of a batch, with what the model reads of the points of each face
    maps: Tensor  # [N, D, h, w], what Grad-CAM reads
    mouths: Tensor | None  # [N, M], None where the model has no lip-sync head


@dataclass(frozen=True)
class SoundCodes:
    embeddings: Tensor  # [R, A, U]
    mask: Tensor  # [R, A], true where there is speech


class Encoders(Protocol):
    """Tensors come and go on the device of the heads."""

    def frames(self, crops: Tensor, flow: Tensor | None) -> FrameCodes:
        """Crops uint8 [N, 224, 224, 3], flow [N, 224, 224, 2] where the model takes it."""
        ...

    def sound(self, pcm: Tensor, voice: Tensor, lengths: NDArray[np.int64]) -> SoundCodes:
        """Rows of 16-bit sound [R, S], voice [R, >= A] per 20 ms, and how many samples of each row are there [R]; those
        after them are zero. The lengths decide what is run, so they stay with the host."""
        ...


def networks_of(model: MultimodalModel) -> list[nn.Module]:
    """The expensive parts of a model: what encoders run, and heads do not need."""
    video = model.video_encoder if model.config.enable_video else None
    audio = model.audio_encoder if model.config.enable_audio else None
    return [network for network in (video, audio, model.mouth_encoder) if network is not None]


class TorchEncoders:
    """The networks as PyTorch runs them: in float32 on a processor, in bfloat16 on a GPU, unless told otherwise."""

    def __init__(self, model: MultimodalModel, device: torch.device, *, bf16: bool | None = None) -> None:
        # Convolutions run faster with the channels last, on the processor and on the GPU's tensor cores alike.
        self._model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._device = device
        self._bf16 = device.type == "cuda" if bf16 is None else bf16

    def frames(self, crops: Tensor, flow: Tensor | None) -> FrameCodes:
        embeddings, maps, mouths = [], [], []
        batch = FRAME_BATCH[self._device.type]
        for begin in range(0, len(crops), batch):
            rows = slice(begin, begin + batch)
            frames = frames_from_crops(crops[rows], None if flow is None else flow[rows])  # [n, C, 224, 224]
            frames = frames.contiguous(memory_format=torch.channels_last)
            with self._precision():
                encoded = self._model.encode_frames(frames)
                mouth = self._model.encode_mouths(frames)
            embeddings.append(encoded.embeddings.float())
            maps.append(encoded.maps.float())
            mouths.append(mouth)
        known = [codes.float() for codes in mouths if codes is not None]
        return FrameCodes(torch.cat(embeddings), torch.cat(maps), torch.cat(known) if known else None)

    def sound(self, pcm: Tensor, voice: Tensor, lengths: NDArray[np.int64]) -> SoundCodes:
        parts = []
        samples = torch.from_numpy(lengths).to(self._device)
        batch = SOUND_BATCH[self._device.type]
        for begin in range(0, len(pcm), batch):
            rows = slice(begin, begin + batch)
            with self._precision():
                part = self._model.encode_audio(waveform_from_pcm(pcm[rows]), voice[rows], samples[rows])  # of [r, S]
            parts.append(part)
        embeddings = torch.cat([part.embeddings.float() for part in parts])
        return SoundCodes(embeddings, torch.cat([part.mask for part in parts]))

    def _precision(self) -> AbstractContextManager[None]:
        """What follows the encodings is small and stays in float32."""
        return torch.autocast(self._device.type, torch.bfloat16) if self._bf16 else nullcontext()
