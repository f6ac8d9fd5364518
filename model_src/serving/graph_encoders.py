"""The encoders as exported graphs: PyTorch's own copies of the networks are not needed beside them."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model_src.models import MultimodalModel
from model_src.serving.encoders import FrameCodes, SoundCodes, networks_of
from model_src.serving.give_back_memory import give_back_memory
from model_src.serving.runtimes import Runtime


class GraphEncoders:
    def __init__(self, model: MultimodalModel, frames: Runtime | None, sound: Runtime | None) -> None:
        self._audio = model.audio_encoder if sound is not None else None  # for its sizes, not its weights
        self._frames = frames
        self._sound = sound

    def frames(self, crops: Tensor, flow: Tensor | None) -> FrameCodes:
        assert self._frames is not None  # asked only where the model looks
        outputs = self._frames(*(given.numpy() for given in (crops, flow) if given is not None))
        embeddings, maps, *mouths = [torch.from_numpy(output) for output in outputs]
        return FrameCodes(embeddings, maps, mouths[0] if mouths else None)

    def sound(self, pcm: Tensor, voice: Tensor, lengths: NDArray[np.int64]) -> SoundCodes:
        """Rows of unlike length apart: most are a whole second, only the end of a video makes shorter ones."""
        assert self._sound is not None  # asked only where the model listens
        assert self._audio is not None
        longest = self._audio.steps(pcm.shape[1])  # A
        embeddings = np.zeros((len(pcm), longest, self._audio.output_dim), np.float32)  # [R, A, U]
        there = np.zeros((len(pcm), longest), np.bool_)  # [R, A]
        for length in np.unique(lengths):
            steps, rows = self._audio.steps(int(length)), np.flatnonzero(lengths == length)
            if steps:  # else too short for the convolutions: nothing was heard
                embeddings[rows, :steps] = self._sound(pcm.numpy()[rows, :length])[0]
                there[rows, :steps] = True
        return SoundCodes(torch.from_numpy(embeddings), torch.from_numpy(there) & voice[:, :longest])


def keep_heads_only(model: MultimodalModel) -> None:
    """Give back the memory of the networks that graphs run in its stead; to ask the model for them is an error then."""
    for network in networks_of(model):
        network.to("meta")
    give_back_memory()
