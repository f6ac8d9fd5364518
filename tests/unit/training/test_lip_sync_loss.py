"""Mouths learn from everybody's voices but those that may be their own, and from nothing that nobody knows."""

from __future__ import annotations

import pytest
import torch

from model_src.config.schema import LipSyncConfig
from model_src.data.sample import UNKNOWN
from model_src.models.lip_sync import Codes, LipSync
from model_src.training.lip_sync_loss import Talking, among, lip_sync_loss
from model_src.training.processes import Team

DIM, FRAMES, STEPS = 8, 5, 49


@pytest.fixture
def head() -> LipSync:
    torch.manual_seed(0)
    return LipSync(DIM, LipSyncConfig(dim=DIM))


def talking(in_sync: list[int], clips: list[str], seed: int = 0) -> Talking:
    """Mouths that move exactly as their own speech sounds."""
    generator = torch.Generator().manual_seed(seed)
    rows = len(in_sync)
    speech = torch.randn(rows, STEPS, DIM, generator=generator)
    motion = speech[:, torch.arange(FRAMES) * 10].clone()
    there = torch.ones(rows, STEPS, dtype=torch.bool)
    codes = Codes(motion.requires_grad_(), speech.requires_grad_(), there[:, :FRAMES], there)
    return Talking(codes, torch.tensor(in_sync), clips)


def loss_of(head: LipSync, windows: Talking) -> float:
    return lip_sync_loss(head, windows, Team()).item()


def test_mouths_with_their_own_voices_cost_less_than_mouths_with_strangers(head: LipSync) -> None:
    own = talking([1, 1, 1, 1], ["a", "b", "c", "d"])
    codes = own.codes._replace(speech=own.codes.speech.roll(1, 0))
    assert loss_of(head, own) < 0.1 * loss_of(head, own._replace(codes=codes))


def test_windows_of_one_clip_are_no_strangers(head: LipSync) -> None:
    """Twice the same second, as a real and its forged twin may have it: neither is told to be somebody else."""
    windows = talking([1, 1], ["a", "a"])
    twins = Codes(*(code[[0, 0]] for code in windows.codes))
    apart = loss_of(head, Talking(twins, windows.in_sync, ["a", "b"]))
    assert loss_of(head, Talking(twins, windows.in_sync, ["a", "a"])) < 0.1 * apart


def test_windows_of_which_nobody_knows_teach_nothing(head: LipSync) -> None:
    windows = talking([1, UNKNOWN, 1], ["a", "b", "c"])
    lip_sync_loss(head, windows, Team()).backward()
    for code in (windows.codes.motion, windows.codes.speech):
        assert code.grad is not None
        assert not code.grad[1].any()
        assert code.grad[0].any()


def test_a_window_known_to_be_out_of_sync_is_pushed_apart(head: LipSync) -> None:
    assert loss_of(head, talking([0], ["a"])) > loss_of(head, talking([1], ["a"])) + 5


def test_a_mouth_that_stands_still_has_finite_gradients(head: LipSync) -> None:
    windows = talking([1, 1], ["a", "b"])
    still = windows.codes.motion.detach()[:, :1].expand(-1, FRAMES, -1).clone().requires_grad_()
    lip_sync_loss(head, windows._replace(codes=windows.codes._replace(motion=still)), Team()).backward()
    assert still.grad is not None
    assert still.grad.isfinite().all()


def test_shares_of_unlike_frame_rates_make_one_batch(head: LipSync) -> None:
    """One process may have windows of five frames while another has ten."""
    five, ten = talking([1, 1], ["a", "b"]), talking([1], ["c"], seed=1)
    motion = ten.codes.speech[:, torch.arange(10) * 5]
    shown = torch.ones(1, 10, dtype=torch.bool)
    right, wrong = (
        ten._replace(codes=ten.codes._replace(motion=moved, shown=shown)) for moved in (motion, motion.flip(1))
    )
    assert among(head, [five, right]).item() < 0.5 * among(head, [five, wrong]).item()
