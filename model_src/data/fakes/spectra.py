"""Waves as spectra and back."""

from __future__ import annotations

import numpy as np
import torch

from model_src.preprocess.pcm import Wave


def spectrum_of(wave: Wave, window: int) -> torch.Tensor:
    """[S] -> complex [F, A], in steps of a quarter of the window."""
    hann = torch.hann_window(window)
    return torch.stft(torch.from_numpy(wave), window, window // 4, window=hann, return_complex=True)


def wave_of(spectrum: torch.Tensor, window: int, length: int) -> Wave:
    """Complex [F, A] -> [S]."""
    made = torch.istft(spectrum, window, window // 4, window=torch.hann_window(window), length=length)
    return made.numpy().astype(np.float32)
