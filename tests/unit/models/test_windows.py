"""Windows assembled from encodings that they share."""

from __future__ import annotations

import torch

from model_src.models.windows import gather_frames, holding


def test_frames_are_picked_and_gaps_are_masked() -> None:
    encodings = torch.arange(1.0, 9.0).view(4, 2)
    windows, mask = gather_frames(encodings, torch.tensor([[0, 1, -1], [-1, 3, 3]]))
    assert windows.tolist() == [[[1, 2], [3, 4], [0, 0]], [[0, 0], [7, 8], [7, 8]]]
    assert mask.tolist() == [[True, True, False], [False, True, True]]


def test_a_gap_stays_empty_where_the_first_frame_is_no_number() -> None:
    windows, _ = gather_frames(torch.tensor([[torch.nan], [2.0]]), torch.tensor([[1, -1]]))
    assert windows.flatten().tolist() == [2.0, 0.0]


def test_a_chunk_without_any_usable_frame_gives_empty_windows() -> None:
    windows, mask = gather_frames(torch.zeros(0, 2), torch.full((3, 5), -1))
    assert windows.shape == (3, 5, 2)
    assert not mask.any()


def test_who_holds_a_frame_is_told_for_every_window() -> None:
    held = holding(torch.tensor([[0, 1, -1], [1, 1, 3], [-1, -1, -1]]), 4)
    assert held.tolist() == [[1, 1, 0, 0], [0, 1, 0, 1], [0, 0, 0, 0]]
