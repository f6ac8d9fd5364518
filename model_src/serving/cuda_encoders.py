"""The encoders on a GPU: bfloat16 where it does, channels last, and one launch for a whole network."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

from model_src.models import MultimodalModel
from model_src.models.inputs import frames_from_crops, waveform_from_pcm
from model_src.models.video_encoder import VideoEncoder
from model_src.preprocess.chunk import CROP
from model_src.preprocess.window_audio import SAMPLES
from model_src.serving.encoders import FrameCodes, SoundCodes, TorchEncoders, networks_of
from model_src.serving.grouped_conv import rewrite
from model_src.serving.recorded import Recorded

# Rows of a recording. What comes is cut into pieces of the largest; the last piece is filled up to the next size.
FRAME_ROWS = (16, 80, 160)  # 15 s at 5 fps are 75 frames
SOUND_ROWS = (8, 32, 64)  # and 30 windows


class CudaEncoders:
    """For a model that is on the GPU already. On a processor it does the same, unrecorded, and can be tested there."""

    def __init__(self, model: MultimodalModel) -> None:
        self._device = next(model.parameters()).device
        self._model = model
        if model.config.enable_audio:
            rewrite(model.audio_encoder, torch.bfloat16)
        halve(model)
        torch.backends.cudnn.benchmark = True  # few sizes to record, so trying all kernels once pays
        self._rest = TorchEncoders(model, self._device, bf16=True)  # for windows that the video's end cuts short
        if model.config.enable_video:
            row = torch.zeros(model.config.video.channels, CROP, CROP, device=self._device)  # [C, H, W]
            self._see = Recorded("frames", self._encode_frames, row, FRAME_ROWS)
        if model.config.enable_audio:
            row = torch.linspace(-1, 1, SAMPLES, device=self._device)  # [S]
            self._hear = Recorded("sound", self._encode_sound, row, SOUND_ROWS)
        torch.backends.cudnn.benchmark = False  # what is not recorded has another size in every chunk

    def frames(self, crops: Tensor, flow: Tensor | None) -> FrameCodes:
        embeddings, maps, *mouths = self._see(frames_from_crops(crops, flow))
        return FrameCodes(embeddings, maps, mouths[0] if mouths else None)

    def sound(self, pcm: Tensor, voice: Tensor, lengths: NDArray[np.int64]) -> SoundCodes:
        whole, short = np.flatnonzero(lengths == SAMPLES), np.flatnonzero(lengths != SAMPLES)
        if not len(short):
            return self._whole(pcm, voice)
        parts = [self._rest.sound(pcm[short], voice[short], lengths[short])]
        if len(whole):
            parts.append(self._whole(pcm[whole], voice[whole]))
        order = np.concatenate([short, whole]).argsort()  # rows back where they were
        return SoundCodes(
            torch.cat([part.embeddings for part in parts])[order], torch.cat([part.mask for part in parts])[order]
        )

    def _whole(self, pcm: Tensor, voice: Tensor) -> SoundCodes:
        (embeddings,) = self._hear(waveform_from_pcm(pcm))  # [R, A, U]
        return SoundCodes(embeddings, voice[:, : embeddings.shape[1]])

    @torch.inference_mode()
    def _encode_frames(self, frames: Tensor) -> tuple[Tensor, ...]:
        with torch.autocast(self._device.type, torch.bfloat16, cache_enabled=False):
            encoded, mouths = self._model.encode_frames(frames), self._model.encode_mouths(frames)
        return tuple(encoded) if mouths is None else (*encoded, mouths)

    @torch.inference_mode()
    def _encode_sound(self, waveform: Tensor) -> tuple[Tensor, ...]:
        with torch.autocast(self._device.type, torch.bfloat16, cache_enabled=False):
            return (self._model.audio_encoder.encode(waveform),)


def halve(model: MultimodalModel) -> None:
    """The encoders' convolutions and matrices in bfloat16, once: autocast would copy them again in every run.

    What autocast keeps in float32 stays there, the heads too, and so does a network that compares frames.
    """
    rounded = [
        encoder for encoder in networks_of(model) if not (isinstance(encoder, VideoEncoder) and encoder.compares)
    ]
    for module in (module for encoder in rounded for module in encoder.modules()):
        if isinstance(module, nn.Linear | nn.Conv1d | nn.Conv2d) and not is_parametrized(module):
            module.to(torch.bfloat16)
