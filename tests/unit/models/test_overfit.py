"""Every part really learns: each path knows sixteen windows by heart, and lips are told from a stranger's speech."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from model_src.models import MultimodalModel, build
from tests.unit.models.tiny import SIDE, tiny_config

WINDOWS, FRAMES, SAMPLES = 16, 5, 16_000
LABELS = torch.arange(WINDOWS) % 2


def talking_windows() -> tuple[Tensor, Tensor]:
    """Mouths that open as loudly as the sound is at that moment; fakes carry a fine pattern and a whistle."""
    generator = torch.Generator().manual_seed(7)
    loudness = torch.rand(WINDOWS, FRAMES, generator=generator)  # a different rhythm of speech in every window
    video = 0.3 * torch.randn(WINDOWS, 1, 3, SIDE, SIDE, generator=generator).repeat(1, FRAMES, 1, 1, 1)
    rows = torch.arange(SIDE)
    pattern = (rows[:, None] + rows) % 2 * 1.0 - 0.5  # [SIDE, SIDE]
    video = video + 0.5 * LABELS.view(-1, 1, 1, 1, 1) * pattern
    top, bottom, left, right = (int(share * SIDE) for share in (0.62, 0.88, 0.3, 0.7))
    video[..., top:bottom, left:right] += 4 * (loudness - 0.5)[:, :, None, None, None]

    envelope = loudness.repeat_interleave(SAMPLES // FRAMES, dim=1)  # [16, 16000]
    time = torch.arange(SAMPLES) / 16_000
    sound = envelope * torch.randn(WINDOWS, SAMPLES, generator=generator)
    sound = sound + LABELS.unsqueeze(1) * torch.sin(2 * torch.pi * 3_000 * time)
    return video, 0.1 * sound


def learn(model: MultimodalModel, video: Tensor, sound: Tensor, steps: int) -> None:
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    generator = torch.Generator().manual_seed(0)
    agree = torch.ones(WINDOWS)
    for _ in range(steps):
        frames, codes = encode_picture(model, video)
        audio, mask = model.encode_audio(sound)
        windows = model.score_windows(frames, None, audio, mask, codes)
        shift = int(torch.randint(1, WINDOWS, (1,), generator=generator))
        strangers = model.score_windows(frames, None, audio.roll(shift, 0), mask, codes)
        assert windows.video is not None
        assert windows.audio is not None
        assert windows.sync is not None
        assert strangers.sync is not None
        loss = sum((F.cross_entropy(x, LABELS) for x in (windows.fused, windows.video, windows.audio)), torch.zeros(()))
        loss = loss + F.binary_cross_entropy_with_logits(windows.sync.logit, agree)
        loss = loss + F.binary_cross_entropy_with_logits(strangers.sync.logit, 0 * agree)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def encode_picture(model: MultimodalModel, video: Tensor) -> tuple[Tensor, Tensor]:
    flat = video.flatten(0, 1)
    codes = model.encode_mouths(flat)
    assert codes is not None
    frames = model.encode_frames(flat).embeddings.unflatten(0, (WINDOWS, FRAMES))
    return frames, codes.unflatten(0, (WINDOWS, FRAMES))


@pytest.mark.slow
def test_sixteen_windows_are_learnt_by_every_path_and_shuffled_sound_breaks_the_sync() -> None:
    # Batch statistics lag behind so short a training: a backbone with layer normalisation needs none.
    config = tiny_config(video={"backbone": "test_efficientnet_ln"}, heads={"dropout": 0.1})
    model = build(config, pretrained=False).train()
    video, sound = talking_windows()
    learn(model, video, sound, steps=60)
    model.eval()
    with torch.no_grad():
        frames, codes = encode_picture(model, video)
        audio, mask = model.encode_audio(sound)
        windows = model.score_windows(frames, None, audio, mask, codes)
        strangers = model.score_windows(frames, None, audio.roll(3, 0), mask, codes)
    assert windows.video is not None
    assert windows.audio is not None
    for logits in (windows.fused, windows.video, windows.audio):
        assert (logits.argmax(dim=1) == LABELS).float().mean() == 1.0
    assert windows.sync is not None
    assert strangers.sync is not None
    assert (windows.sync.logit > 0).float().mean() >= 0.9
    assert (strangers.sync.logit < 0).float().mean() >= 0.75
    assert windows.sync.logit.mean() > strangers.sync.logit.mean() + 2
