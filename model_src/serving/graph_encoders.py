"""The encoders as exported graphs. What the graphs do not cover, PyTorch does."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from model_src.preprocess.window_audio import SAMPLES
from model_src.serving.encoders import Encoders, FrameCodes, SoundCodes
from model_src.serving.runtimes import Runtime


class GraphEncoders:
    """`rest` takes the sound of a window that passes the end of the video: shorter, and hardly ever more than one."""

    def __init__(self, frames: Runtime | None, sound: Runtime | None, rest: Encoders) -> None:
        self._frames = frames
        self._sound = sound
        self._rest = rest

    def frames(self, crops: NDArray[np.uint8], flow: NDArray[np.float16] | None) -> FrameCodes:
        assert self._frames is not None  # asked only where the model looks
        outputs = self._frames(crops) if flow is None else self._frames(crops, flow)
        embeddings, maps, *mouths = [torch.from_numpy(output) for output in outputs]
        return FrameCodes(embeddings, maps, mouths[0] if mouths else None)

    def sound(self, pcm: NDArray[np.int16], voice: NDArray[np.bool_], lengths: NDArray[np.int64]) -> SoundCodes:
        assert self._sound is not None  # asked only where the model listens
        whole, short = np.flatnonzero(lengths == SAMPLES), np.flatnonzero(lengths != SAMPLES)
        parts = []
        if len(whole):
            embeddings = torch.from_numpy(self._sound(pcm[whole])[0])  # [r, A, U]
            parts.append(SoundCodes(embeddings, torch.from_numpy(voice[whole, : embeddings.shape[1]])))
        if len(short):
            parts.append(self._rest.sound(pcm[short], voice[short], lengths[short]))
        order = torch.from_numpy(np.concatenate([whole, short]).argsort())  # rows back where they were
        return SoundCodes(
            torch.cat([part.embeddings for part in parts])[order], torch.cat([part.mask for part in parts])[order]
        )
