"""Windows assembled from encodings that they share."""

from __future__ import annotations

import torch

from model_src.models.windows import gather_audio, gather_frames


def test_frames_are_picked_and_gaps_are_masked() -> None:
    encodings = torch.arange(1.0, 9.0).view(4, 2)
    windows, mask = gather_frames(encodings, torch.tensor([[0, 1, -1], [-1, 3, 3]]))
    assert windows.tolist() == [[[1, 2], [3, 4], [0, 0]], [[0, 0], [7, 8], [7, 8]]]
    assert mask.tolist() == [[True, True, False], [False, True, True]]


def test_a_chunk_without_any_usable_frame_gives_empty_windows() -> None:
    windows, mask = gather_frames(torch.zeros(0, 2), torch.full((3, 5), -1))
    assert windows.shape == (3, 5, 2)
    assert not mask.any()


def test_a_window_holds_the_49_steps_of_its_second() -> None:
    encodings = torch.arange(124.0).view(124, 1)  # two and a half seconds
    windows, mask = gather_audio(encodings, torch.ones(124, dtype=torch.bool), torch.tensor([0.0, 0.5, 1.0]))
    assert windows.shape == (3, 49, 1)
    assert windows[:, 0, 0].tolist() == [0, 25, 50]
    assert windows[:, -1, 0].tolist() == [48, 73, 98]
    assert mask.all()


def test_past_the_end_of_the_sound_and_in_silence_nothing_is_heard() -> None:
    speech = torch.ones(60, dtype=torch.bool)
    speech[50:55] = False
    windows, mask = gather_audio(torch.ones(60, 2), speech, torch.tensor([0.5, 3.0]))
    assert mask[0].nonzero().squeeze(1).tolist() == [*range(25), *range(30, 35)]
    assert not mask[1].any()
    assert (windows[~mask] == 0).all()


def test_a_video_without_sound_gives_silent_windows() -> None:
    windows, mask = gather_audio(torch.zeros(0, 8), torch.zeros(0, dtype=torch.bool), torch.tensor([0.0, 0.5]))
    assert windows.shape == (2, 49, 8)
    assert not mask.any()
