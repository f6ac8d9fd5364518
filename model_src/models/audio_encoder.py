"""The audio encoder: from the waveform to one embedding per 20 ms, deaf to who speaks."""

from __future__ import annotations

from typing import NamedTuple, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel

from model_src.config.schema import AudioConfig

# Nothing of the pretrained design is switched off in silence: layer drop leaves blocks without gradients at random (and
# breaks distributed training), and SpecAugment masks features that this model reads for artefacts.
TRAINING_SETTINGS = {"layerdrop": 0.0, "apply_spec_augment": False}


class AudioEncodings(NamedTuple):
    embeddings: Tensor  # [B, A, output_dim]
    mask: Tensor  # [B, A], true where there is speech


class Wav2Vec2AudioEncoder(nn.Module):
    """wav2vec2 (or a relative of it in transformers) with its lower part frozen, and a projection."""

    def __init__(self, config: AudioConfig | None = None) -> None:
        super().__init__()
        self.config = config or AudioConfig()
        architecture = dict(self.config.architecture) | TRAINING_SETTINGS
        self.model = AutoModel.from_config(AutoConfig.for_model(**architecture))
        self.projection = nn.Linear(self.model.config.hidden_size, self.config.output_dim)
        self.output_dim = self.config.output_dim
        self._freeze()

    def forward(self, waveform: Tensor, voice: Tensor | None = None, lengths: Tensor | None = None) -> AudioEncodings:
        """Sound [B, S] at 16 kHz, voice [B, >= A] per 20 ms, lengths [B] in samples -> [B, A, output_dim] and [B, A].

        Rows of unlike length are encoded apart, without their padding: the group normalisation inside wav2vec2 runs
        over time, so padding would colour the sound before it.
        """
        if lengths is None:
            lengths = torch.full((waveform.shape[0],), waveform.shape[1], device=waveform.device)
        steps = self.steps(waveform.shape[1])  # A
        mask = torch.zeros(len(waveform), steps, dtype=torch.bool, device=waveform.device)  # [B, A]
        parts, order = [], []
        for length in lengths.unique().tolist():
            rows = (lengths == length).nonzero().squeeze(1)  # [R]
            encoded = self.encode(waveform[rows, :length])  # [R, a, output_dim]
            mask[rows, : encoded.shape[1]] = True
            parts.append(F.pad(encoded, (0, 0, 0, steps - encoded.shape[1])))  # [R, A, output_dim]
            order.append(rows)
        embeddings = torch.cat(parts)[torch.cat(order).argsort()]  # [B, A, output_dim], rows where they were
        if voice is not None:
            mask = mask & voice[:, :steps]
        return AudioEncodings(embeddings, mask)

    def encode(self, waveform: Tensor) -> Tensor:
        """Sound [R, S], all rows heard to their ends -> [R, a, output_dim]."""
        if self.steps(waveform.shape[1]) == 0:  # too short for the convolutions: nothing was heard
            return waveform.new_zeros(len(waveform), 0, self.output_dim)
        mean, variance = waveform.mean(dim=1, keepdim=True), waveform.var(dim=1, keepdim=True, unbiased=False)
        normal = (waveform - mean) / torch.sqrt(variance + 1e-7)  # [R, S], loudness taken out, as in pretraining
        hidden = self.model(normal).last_hidden_state  # [R, a, hidden]
        return self.projection(hidden)  # [R, a, output_dim]

    def steps(self, samples: int) -> int:
        """How many embeddings so many samples give: 49 for a second. The convolutions take 25 ms, every 20 ms."""
        for kernel, stride in zip(self.model.config.conv_kernel, self.model.config.conv_stride, strict=True):
            samples = (samples - kernel) // stride + 1
        return max(samples, 0)

    def train(self, mode: bool = True) -> Self:
        """What is frozen stays in evaluation mode: its dropout would only blur what it cannot learn."""
        super().train(mode)
        for module in self._frozen_modules():
            module.eval()
        return self

    def _frozen_modules(self) -> list[nn.Module]:
        encoder = self.model.encoder
        frozen: list[nn.Module] = list(encoder.layers[: self.config.frozen_blocks])
        if self.config.freeze_feature_extractor:
            frozen.append(self.model.feature_extractor)
        if self.config.frozen_blocks:  # what lies between the convolutions and a frozen block is frozen with it
            frozen += [self.model.feature_projection, encoder.pos_conv_embed, encoder.dropout]
            if not getattr(self.model.config, "do_stable_layer_norm", False):
                frozen.append(encoder.layer_norm)  # in that variant it comes after the last block instead
        return frozen

    def _freeze(self) -> None:
        if self.config.freeze_feature_extractor:
            self.model.feature_extractor._freeze_parameters()  # also stops it from asking for gradients of its input
        for module in self._frozen_modules():
            module.requires_grad_(False)
        if hasattr(self.model, "masked_spec_embed"):
            self.model.masked_spec_embed.requires_grad_(False)  # SpecAugment's, which is off
