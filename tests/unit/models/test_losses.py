"""The losses beside the cross-entropy: against their formula in NumPy, and in what they refuse."""

from __future__ import annotations

import logging
import math

import numpy as np
import pytest
import torch

from model_src.models.losses import AuxiliaryLossWeighter, TemporalConsistencyLoss


def by_hand(frames: np.ndarray, normalize: bool = True, eps: float = 1e-8) -> np.ndarray:
    """The formula, sample by sample: [B, T, D] -> [B]."""
    answers = []
    for sample in frames.astype(np.float64):
        steps = [(sample[t + 1] - sample[t]) ** 2 for t in range(len(sample) - 1)]
        jump = np.mean(steps)
        spread = np.mean((sample - sample.mean(axis=0)) ** 2)
        answers.append(jump / max(spread, eps) if normalize else jump)
    return np.array(answers)


# --- temporal consistency ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(1, 2, 1), (2, 5, 16), (4, 10, 1536), (8, 7, 3)])
@pytest.mark.parametrize("normalize", [True, False])
def test_it_is_the_formula_averaged_over_the_batch(shape: tuple[int, ...], normalize: bool) -> None:
    frames = torch.randn(shape) * 3 + 1
    loss = TemporalConsistencyLoss(normalize=normalize)(frames)
    assert loss.item() == pytest.approx(by_hand(frames.numpy(), normalize).mean(), rel=1e-5)


def test_sum_adds_the_samples_up() -> None:
    frames = torch.randn(4, 5, 8)
    assert TemporalConsistencyLoss("sum")(frames).item() == pytest.approx(by_hand(frames.numpy()).sum(), rel=1e-5)


def test_mean_is_the_default_reduction_and_normalisation_is_on() -> None:
    frames = torch.randn(4, 5, 8)
    assert torch.equal(TemporalConsistencyLoss()(frames), TemporalConsistencyLoss("mean", normalize=True)(frames))


def test_the_answer_is_a_scalar_and_never_negative() -> None:
    loss = TemporalConsistencyLoss()(torch.randn(3, 6, 4))
    assert loss.shape == ()
    assert loss.item() >= 0


def test_frames_that_never_change_cost_nothing() -> None:
    assert TemporalConsistencyLoss()(torch.ones(2, 5, 8)).item() == 0


def test_a_smooth_drift_costs_less_than_flicker() -> None:
    drift = torch.linspace(0, 1, 8).view(1, 8, 1).expand(1, 8, 4)
    flicker = torch.tensor([0.0, 1.0] * 4).view(1, 8, 1).expand(1, 8, 4)
    loss = TemporalConsistencyLoss()
    assert loss(drift) < loss(flicker) / 10


def test_the_order_of_frames_matters() -> None:
    frames = torch.linspace(0, 1, 6).view(1, 6, 1)
    loss = TemporalConsistencyLoss()
    assert loss(frames) < loss(frames[:, [0, 3, 1, 4, 2, 5]])


def test_embeddings_of_any_scale_cost_the_same() -> None:
    frames = torch.randn(2, 5, 8)
    loss = TemporalConsistencyLoss()
    assert loss(frames * 1000).item() == pytest.approx(loss(frames).item(), rel=1e-5)


def test_without_normalisation_the_scale_counts_squared() -> None:
    frames = torch.randn(2, 5, 8)
    loss = TemporalConsistencyLoss(normalize=False)
    assert loss(frames * 10).item() == pytest.approx(100 * loss(frames).item(), rel=1e-5)


def test_a_constant_added_to_every_frame_changes_nothing() -> None:
    frames = torch.randn(2, 5, 8, dtype=torch.float64)
    loss = TemporalConsistencyLoss()
    assert loss(frames + 7).item() == pytest.approx(loss(frames).item(), rel=1e-9)


def test_a_loud_sample_does_not_drown_a_quiet_one() -> None:
    quiet, loud = torch.randn(1, 5, 8), 1000 * torch.randn(1, 5, 8)
    loss = TemporalConsistencyLoss()
    assert loss(torch.cat([quiet, loud])).item() == pytest.approx((loss(quiet) + loss(loud)).item() / 2, rel=1e-5)


def test_a_tiny_spread_is_clamped_to_eps() -> None:
    frames = torch.tensor([[[0.0], [1e-6]]])  # jump 1e-12, spread 2.5e-13
    assert TemporalConsistencyLoss(eps=1e-8)(frames).item() == pytest.approx(1e-12 / 1e-8, rel=1e-4)


def test_two_frames_suffice() -> None:
    assert TemporalConsistencyLoss()(torch.tensor([[[0.0], [2.0]]])).item() == pytest.approx(4.0)  # 4 / 1


@pytest.mark.parametrize("shape", [(5, 8), (8,), (1, 2, 3, 4)])
def test_anything_but_batch_time_dimension_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"\[B, T, D\]"):
        TemporalConsistencyLoss()(torch.randn(shape))


@pytest.mark.parametrize("frames", [0, 1])
def test_a_single_frame_is_refused(frames: int) -> None:
    with pytest.raises(ValueError, match="at least 2 frames"):
        TemporalConsistencyLoss()(torch.randn(2, frames, 8))


def test_integers_are_refused() -> None:
    with pytest.raises(ValueError, match="floating point"):
        TemporalConsistencyLoss()(torch.ones(2, 3, 4, dtype=torch.long))


def test_an_unknown_reduction_is_refused() -> None:
    with pytest.raises(ValueError, match="'mean' or 'sum'"):
        TemporalConsistencyLoss("none")  # type: ignore[arg-type]


def test_an_eps_that_protects_from_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="positive"):
        TemporalConsistencyLoss(eps=0)


def test_double_precision_stays_double() -> None:
    frames = torch.randn(2, 5, 8, dtype=torch.float64)
    loss = TemporalConsistencyLoss()(frames)
    assert loss.dtype == torch.float64
    assert loss.item() == pytest.approx(by_hand(frames.numpy()).mean(), rel=1e-12)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_single_and_does_not_overflow(dtype: torch.dtype) -> None:
    frames = (torch.randn(2, 5, 8) * 1000).to(dtype)  # squares are far beyond float16
    loss = TemporalConsistencyLoss()(frames)
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(by_hand(frames.float().numpy()).mean(), rel=1e-5)


def test_the_gradient_is_that_of_the_formula() -> None:
    frames = torch.randn(2, 4, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(TemporalConsistencyLoss(), (frames,))
    assert torch.autograd.gradcheck(TemporalConsistencyLoss("sum", normalize=False), (frames,))


def test_the_gradient_is_finite_where_nothing_moves() -> None:
    frames = torch.ones(2, 5, 8, requires_grad=True)
    TemporalConsistencyLoss()(frames).backward()
    assert frames.grad is not None
    assert torch.isfinite(frames.grad).all()


def test_following_the_gradient_makes_frames_consistent() -> None:
    frames = torch.randn(1, 6, 4, requires_grad=True)
    optimizer = torch.optim.Adam([frames], lr=0.05)
    loss = TemporalConsistencyLoss()
    before = loss(frames).item()
    for _ in range(100):
        optimizer.zero_grad()
        loss(frames).backward()
        optimizer.step()
    assert loss(frames).item() < before / 2


def test_it_gives_the_same_answer_every_time_and_leaves_its_input_alone() -> None:
    frames = torch.randn(2, 5, 8)
    kept = frames.clone()
    loss = TemporalConsistencyLoss()
    assert torch.equal(loss(frames), loss(frames))
    assert torch.equal(frames, kept)


def test_it_has_nothing_to_learn() -> None:
    assert list(TemporalConsistencyLoss().parameters()) == []


def test_it_shows_its_settings() -> None:
    assert "reduction='sum', normalize=False" in repr(TemporalConsistencyLoss("sum", normalize=False))


# --- weighing auxiliary losses ----------------------------------------------------------------------------------------


@pytest.fixture
def weighter() -> AuxiliaryLossWeighter:
    weighter = AuxiliaryLossWeighter()
    weighter.add_loss("temporal", weight=0.15)
    weighter.add_loss("landmarks", weight=0.5)
    return weighter


def test_the_total_is_the_main_loss_and_each_other_times_its_weight(weighter: AuxiliaryLossWeighter) -> None:
    total = weighter.compute_total_loss(torch.tensor(2.0), temporal=torch.tensor(4.0), landmarks=torch.tensor(3.0))
    assert total.item() == pytest.approx(2 + 0.15 * 4 + 0.5 * 3)


def test_without_auxiliary_losses_the_total_is_the_main_loss(weighter: AuxiliaryLossWeighter) -> None:
    assert weighter.compute_total_loss(torch.tensor(2.0)).item() == 2.0
    assert AuxiliaryLossWeighter().compute_total_loss(torch.tensor(2.0)).item() == 2.0


def test_a_registered_loss_may_be_left_out(weighter: AuxiliaryLossWeighter) -> None:
    total = weighter.compute_total_loss(torch.tensor(2.0), landmarks=torch.tensor(3.0))
    assert total.item() == pytest.approx(3.5)


def test_a_loss_that_did_not_apply_is_left_out(weighter: AuxiliaryLossWeighter) -> None:
    assert weighter.compute_total_loss(torch.tensor(2.0), temporal=None).item() == 2.0


def test_an_auxiliary_loss_weighs_a_tenth_by_default() -> None:
    weighter = AuxiliaryLossWeighter()
    weighter.add_loss("pose")
    assert weighter.compute_total_loss(torch.tensor(1.0), pose=torch.tensor(1.0)).item() == pytest.approx(1.1)


def test_weight_zero_switches_a_loss_off_even_where_it_is_not_finite() -> None:
    weighter = AuxiliaryLossWeighter()
    weighter.add_loss("temporal", weight=0)
    assert weighter.compute_total_loss(torch.tensor(2.0), temporal=torch.tensor(math.nan)).item() == 2.0


def test_registering_again_changes_the_weight(weighter: AuxiliaryLossWeighter) -> None:
    weighter.add_loss("temporal", weight=1.0)
    assert weighter.compute_total_loss(torch.tensor(0.0), temporal=torch.tensor(4.0)).item() == 4.0
    assert weighter.weights == {"temporal": 1.0, "landmarks": 0.5}


@pytest.mark.parametrize("weight", [-0.1, -math.inf, math.inf, math.nan])
def test_a_weight_that_is_negative_or_no_number_is_refused(weight: float) -> None:
    with pytest.raises(ValueError, match="'temporal'"):
        AuxiliaryLossWeighter().add_loss("temporal", weight=weight)


def test_an_unregistered_loss_is_refused_by_name(weighter: AuxiliaryLossWeighter) -> None:
    with pytest.raises(ValueError, match="pose"):
        weighter.compute_total_loss(torch.tensor(1.0), pose=torch.tensor(1.0))


def test_an_unregistered_loss_is_refused_even_where_it_did_not_apply(weighter: AuxiliaryLossWeighter) -> None:
    with pytest.raises(ValueError, match="pose"):
        weighter.compute_total_loss(torch.tensor(1.0), pose=None)


def test_gradients_reach_every_loss_by_its_weight(weighter: AuxiliaryLossWeighter) -> None:
    main, temporal = torch.tensor(1.0, requires_grad=True), torch.tensor(1.0, requires_grad=True)
    weighter.compute_total_loss(main, temporal=temporal).backward()
    assert main.grad is not None
    assert temporal.grad is not None
    assert [main.grad.item(), temporal.grad.item()] == pytest.approx([1.0, 0.15])


def test_the_main_loss_is_not_changed_in_place(weighter: AuxiliaryLossWeighter) -> None:
    main = torch.tensor(2.0)
    weighter.compute_total_loss(main, temporal=torch.tensor(4.0))
    assert main.item() == 2.0


def test_losses_are_logged_before_weighting_with_their_total(
    weighter: AuxiliaryLossWeighter, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        values = weighter.log_losses(torch.tensor(2.0), step=7, temporal=torch.tensor(4.0), landmarks=None)
    assert values == pytest.approx({"main": 2.0, "temporal": 4.0, "total": 2.6})
    assert "step 7: main 2.0000, temporal 4.0000, total 2.6000" in caplog.text


def test_logging_refuses_unregistered_losses_too(weighter: AuxiliaryLossWeighter) -> None:
    with pytest.raises(ValueError, match="pose"):
        weighter.log_losses(torch.tensor(2.0), step=1, pose=torch.tensor(1.0))


def test_both_losses_work_together_on_realistic_embeddings() -> None:
    embeddings = torch.randn(4, 5, 1536, requires_grad=True)
    weighter = AuxiliaryLossWeighter()
    weighter.add_loss("temporal", weight=0.1)
    total = weighter.compute_total_loss(embeddings.mean() ** 2, temporal=TemporalConsistencyLoss()(embeddings))
    total.backward()
    assert embeddings.grad is not None
    assert (embeddings.grad.abs().amax(dim=2) > 0).all()  # every frame of every sample hears of it
