"""A modality that is not there, by nature or by modality dropout."""

from __future__ import annotations

import pytest
import torch

from model_src.models.missing import MissingToken, ModalityDropout


def test_a_row_without_any_step_becomes_the_token() -> None:
    token = MissingToken(4)
    sequence = torch.randn(2, 3, 4)
    filled, mask = token(sequence, torch.tensor([[True, False, True], [False, False, False]]))
    torch.testing.assert_close(filled[0], sequence[0])
    torch.testing.assert_close(filled[1, 0], token.token)
    assert mask.tolist() == [[True, False, True], [True, False, False]]


def test_the_token_is_not_zero_and_learns() -> None:
    token = MissingToken(4)
    assert token.token.abs().min() > 0
    filled, mask = token(torch.zeros(1, 2, 4), torch.zeros(1, 2, dtype=torch.bool))
    filled[mask].sum().backward()
    assert token.token.grad is not None
    assert (token.token.grad == 1).all()


@pytest.mark.parametrize("training", [True, False])
def test_modality_dropout_happens_in_training_only(training: bool) -> None:
    dropout = ModalityDropout(0.5).train(training)
    keep_video, keep_audio = dropout(torch.ones(1000, dtype=torch.bool), torch.ones(1000, dtype=torch.bool))
    assert bool((keep_video & keep_audio).all()) is not training


def test_it_takes_the_promised_share_evenly_and_never_both() -> None:
    both = torch.ones(20_000, dtype=torch.bool)
    keep_video, keep_audio = ModalityDropout(0.2).train()(both, both)
    assert (~keep_video).float().mean().item() == pytest.approx(0.1, abs=0.01)
    assert (~keep_audio).float().mean().item() == pytest.approx(0.1, abs=0.01)
    assert (keep_video | keep_audio).all()


def test_what_stands_alone_is_never_taken() -> None:
    here, gone = torch.ones(500, dtype=torch.bool), torch.zeros(500, dtype=torch.bool)
    keep_video, keep_audio = ModalityDropout(1.0).train()(here, gone)
    assert keep_video.all()
    assert not keep_audio.any()
