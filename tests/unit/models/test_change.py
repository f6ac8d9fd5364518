"""Change within a second: what is measured, what is not known, and where it is shown."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from pydantic import ValidationError

from model_src.config.schema import ModelConfig
from model_src.explain.region_evidence import region_evidence
from model_src.models import MultimodalModel
from model_src.models.change import BESIDE, LIVELIEST, POSE, RegionalChange
from model_src.models.head_pose import FACE
from model_src.models.heads import log_odds
from model_src.models.regions import REGIONS, SKIN, region_weights
from model_src.models.windows import gather_frames

CHANNELS = (4, 6)  # of two stages
STATISTICS = 2 * REGIONS * sum(CHANNELS)
DIM = STATISTICS + REGIONS * len(CHANNELS)


def change() -> RegionalChange:
    made = RegionalChange(CHANNELS)
    made.train()
    for seed in range(30):
        made(frames(seed, 32))
    return made.eval()


def frames(seed: int = 0, rows: int = 8) -> torch.Tensor:
    """[rows, 5, D + 2]: statistics that move, and a contrast of 1; then tones, and a head that moves."""
    found = torch.randn(rows, 5, DIM + BESIDE, generator=torch.Generator().manual_seed(seed))
    found[..., STATISTICS:DIM] = 1
    return found


def of_group(number: int) -> slice:
    """Where the channels of a group stand: stage by stage, means before deviations, region by region."""
    stage, within = divmod(number, 2 * REGIONS)
    start = 2 * REGIONS * sum(CHANNELS[:stage]) + within * CHANNELS[stage]
    return slice(start, start + CHANNELS[stage])


@pytest.mark.parametrize("group", [2, 9, 13, 4 * REGIONS - 1])
def test_a_region_that_holds_still_is_lower_than_any_other(group: int) -> None:
    moving = frames()
    moving[:, :, of_group(group)] = moving[:, :1, of_group(group)]
    assert (change()(moving)[:, :-2].argmin(dim=1) == group).all()


def test_what_a_face_looks_like_has_no_say() -> None:
    offset = torch.randn(8, 1, DIM + BESIDE)
    offset[..., STATISTICS : DIM + 1] = 0
    torch.testing.assert_close(change()(frames()), change()(frames() + offset), atol=1e-4, rtol=1e-4)


def test_a_softer_face_that_moves_alike_changes_alike() -> None:
    """Half the contrast leaves half the change: the shares are the same."""
    softer = frames()
    softer[..., :DIM] *= 0.5
    torch.testing.assert_close(change()(frames()), change()(softer), atol=0.02, rtol=0.02)


def test_more_contrast_without_more_change_is_less_life() -> None:
    sharper = frames()
    sharper[..., STATISTICS : STATISTICS + REGIONS] *= 3  # of the first stage
    less = change()(frames()) - change()(sharper)
    assert (less[:, : 2 * REGIONS] > 0.5).all()
    torch.testing.assert_close(less[:, 2 * REGIONS :], torch.zeros(8, 2 * REGIONS + 2))


def test_more_than_life_is_no_proof_of_life() -> None:
    """Change counts up to what the liveliest faces do; a face that jumps is further from them, not nearer."""
    usual = change()

    def told(times: float) -> torch.Tensor:
        moving = frames(7, 1)
        middle = moving[..., :STATISTICS].mean(dim=1, keepdim=True)
        moving[..., :STATISTICS] = middle + times * (moving[..., :STATISTICS] - middle)
        return usual(moving)[0, :-2]

    shares = [told(times) for times in torch.logspace(-0.5, 2, 60, base=2).tolist()]
    assert all((found <= LIVELIEST + 1e-4).all() for found in shares)
    for group in range(4 * REGIONS):
        height = torch.stack([found[group] for found in shares])
        peak = int(height.argmax())
        assert 0 < peak < len(shares) - 1
        assert (height[: peak + 1].diff() > 0).all()
        assert (height[peak:].diff() < 0).all()


def test_a_head_may_turn_as_far_as_it_likes() -> None:
    still, turning = frames(), frames()
    turning[..., -POSE:] *= 50
    assert (change()(turning)[:, -1] > change()(still)[:, -1] + 2 * LIVELIEST).all()


def test_how_far_a_head_turns_and_leans_is_told_beside_what_its_face_does() -> None:
    calm, lively = frames(), frames()
    calm[..., -POSE:] *= 0.2
    more = change()(lively) - change()(calm)
    assert (more[:, -1] > 0.5).all()
    torch.testing.assert_close(more[:, :-1], torch.zeros(8, 4 * REGIONS + 1))


def test_skin_of_fewer_tones_is_told_beside_what_it_does() -> None:
    living, painted = frames(), frames()
    painted[..., DIM] -= 0.5
    less = change()(living) - change()(painted)
    assert (less[:, -2] > 0.5).all()
    torch.testing.assert_close(less[:, :-2], torch.zeros(8, 4 * REGIONS))
    torch.testing.assert_close(less[:, -1], torch.zeros(8))


def test_the_tones_of_a_missing_frame_have_no_say() -> None:
    mask = torch.tensor([True, True, False, True, True]).expand(8, -1)
    gappy = frames()
    gappy[:, 2, DIM] = 100
    kept = frames()[:, [0, 1, 3, 4]]
    torch.testing.assert_close(change().sequence(gappy, mask)[:, 0, -2], change()(kept)[:, -2])


@pytest.mark.parametrize(("moves", "counts"), [("turn", True), ("lean", True), ("nod", False), ("come closer", False)])
def test_a_head_moves_where_no_mouth_could_have_done_it(moves: str, counts: bool) -> None:
    straight = torch.tensor(FACE)
    degree = torch.tensor(10.0).deg2rad()
    sine, cosine, one = degree.sin(), degree.cos(), torch.tensor(1.0)
    turned = {
        "turn": [[cosine, 0, sine], [0, one, 0], [-sine, 0, cosine]],
        "lean": [[cosine, -sine, 0], [sine, cosine, 0], [0, 0, one]],
        "nod": [[one, 0, 0], [0, cosine, -sine], [0, sine, cosine]],
        "come closer": [[1.2, 0, 0], [0, 1.2, 0], [0, 0, 1.2]],
    }[moves]
    points = 60 * torch.stack([straight, straight @ torch.tensor(turned).T])[..., :2] + 100  # [2, 5, 2]
    pose = change().with_points(torch.zeros(2, DIM + 1), points)[:, -POSE:]
    assert bool((pose[1] - pose[0]).norm() > 0.1) is counts
    assert bool((pose[1] - pose[0]).norm() < 0.01) is not counts


def test_mixed_precision_does_not_round_how_a_head_turns() -> None:
    points = 60 * torch.tensor(FACE)[:, :2] + 100 + torch.randn(8, 5, 2, generator=torch.Generator().manual_seed(1))
    exact = change().with_points(torch.zeros(8, DIM), points)[:, -POSE:]
    with torch.autocast("cpu", torch.bfloat16):
        mixed = change().with_points(torch.zeros(8, DIM, dtype=torch.bfloat16), points)[:, -POSE:]
    torch.testing.assert_close(mixed, exact, atol=1e-6, rtol=1e-6)


def test_without_the_points_of_the_face_it_says_what_it_lacks() -> None:
    model = tiny()
    with pytest.raises(ValueError, match="five points"):
        model.outputs(torch.zeros(1, 5, 3, 224, 224))


def test_twice_the_frames_of_the_same_second_give_the_same_change() -> None:
    slow = frames()
    fast = slow.repeat_interleave(2, dim=1) + torch.tensor([0.0, 9.0]).repeat(5)[:, None]
    torch.testing.assert_close(change()(fast), change()(slow))


def test_a_missing_frame_hides_little_of_what_the_others_tell() -> None:
    mask = torch.tensor([True, True, False, True, True]).expand(32, -1)
    whole, gappy = change()(frames(5, 32)), change().sequence(frames(5, 32), mask)[:, 0]
    assert torch.corrcoef(torch.stack([whole.flatten(), gappy.flatten()]))[0, 1] > 0.6
    spoilt = frames(5, 32)
    spoilt[:, 2] = 100
    torch.testing.assert_close(change().sequence(spoilt, mask)[:, 0], gappy)


@pytest.mark.parametrize("there", [[1, 0, 0, 0, 0], [0, 0, 0, 0, 1], [0, 0, 0, 0, 0], [1]])
def test_who_has_no_two_frames_to_compare_says_even_odds(there: list[int]) -> None:
    model = tiny()
    embeddings, mask = moving(model, len(there))[None], torch.tensor([there], dtype=torch.bool)
    windows = model.score_windows(embeddings, mask)
    assert not windows.has_video.any()
    assert log_odds(windows.fused).item() == 0
    assert (log_odds(model.mc_dropout(windows, passes=4)) == 0).all()
    assert (model.score_frames(embeddings[0], torch.arange(len(there))[None], windows) == 0).all()


def test_a_picture_shown_as_a_film_is_not_judged_by_how_still_it_is() -> None:
    model = tiny()
    still = moving(model, 1).repeat(5, 1) + 0.02 * torch.randn(5, model.video_encoder.output_dim + POSE)
    still[:, -POSE:] = torch.randn(5, POSE)  # a camera that shakes does not make it live
    windows = model.score_windows(still[None])
    assert not windows.has_video.any()
    assert log_odds(windows.fused).item() == 0
    assert (model.score_frames(still, torch.arange(5)[None], windows) == 0).all()
    breathing = moving(model, 1).repeat(5, 1) + 0.2 * torch.randn(5, model.video_encoder.output_dim + POSE)
    assert model.score_windows(breathing[None]).has_video.all()


def test_two_frames_are_enough_to_say_something() -> None:
    model = tiny()
    windows = model.score_windows(moving(model, 5)[None], torch.tensor([[True, False, False, True, False]]))
    assert windows.has_video.all()
    assert log_odds(windows.fused).item() != 0


def tiny(**video: Any) -> MultimodalModel:
    torch.manual_seed(3)
    settings = {"backbone": "test_efficientnet", "pooling": "regions", "region_stages": 1}
    config = ModelConfig.model_validate(
        {"name": "tiny", "enable_audio": False, "video": settings | video, "temporal": {"kind": "change"}}
    )
    return MultimodalModel(config).eval()


def test_change_and_regions_are_only_had_together() -> None:
    with pytest.raises(ValidationError, match="made for each other"):
        tiny(pooling="mean")


def moving(model: MultimodalModel, count: int) -> torch.Tensor:
    """Frames [count, D + 2] of a face that moves, with a contrast of 1 and usual tones, and of a head that moves."""
    found = torch.randn(count, model.video_encoder.output_dim + POSE)
    found[:, -REGIONS - BESIDE : -BESIDE] = 1
    found[:, -BESIDE] = 0
    return found


def test_a_frame_is_as_suspicious_as_the_seconds_that_hold_it() -> None:
    """So a list of frames never contradicts the list of seconds."""
    model = tiny()
    embeddings = moving(model, 9)
    window_frames = torch.tensor([[0, 1, 2, 3, 4], [3, 4, 5, 6, -1], [7, -1, -1, -1, -1]])
    with torch.no_grad():
        windows = model.score_windows(*gather_frames(embeddings, window_frames))
        scores = model.score_frames(embeddings, window_frames, windows)
    first, second = log_odds(windows.fused)[:2].tolist()
    both = (first + second) / 2
    # The seventh frame is alone in its window, which says nothing; the eighth is in none.
    expected = torch.tensor([first, first, first, both, both, second, second, 0, 0])
    torch.testing.assert_close(scores, expected)
    assert abs(first - second) > 1e-3


def test_the_picture_shows_the_region_that_spoke_for_fake() -> None:
    model = tiny()
    with torch.no_grad():  # a head that says fake where the mouth holds still, and looks at nothing else
        model.video_head.hidden.weight.zero_()
        model.video_head.hidden.bias.zero_()
        model.video_head.hidden.weight[0, 1:-2:REGIONS] = -1
        model.video_head.output.weight.zero_()
        model.video_head.output.weight[1, 0] = 1
    embeddings = moving(model, 5)
    groups = embeddings[:, : -REGIONS - BESIDE].unflatten(1, (2, REGIONS, -1))
    groups[:, :, 1] = groups[:1, :, 1]  # the mouth holds still
    windows = torch.arange(5)[None]
    scored = model.score_windows(embeddings[None])
    assert log_odds(scored.fused).item() > 0
    shown, spoken = region_evidence(model, embeddings, windows)
    assert shown.shape == (5, 14, 14)
    assert (spoken[:, 1] > 0).all()
    assert (spoken[:, [0, 2, 3, 4]] == 0).all()
    torch.testing.assert_close(shown[0], region_weights(14)[1] / region_weights(14)[1].max(), atol=1e-5, rtol=0)


def test_the_picture_shows_the_skin_where_its_tones_spoke_for_fake() -> None:
    model = tiny()
    with torch.no_grad():  # a head that says fake where skin has few tones, and looks at nothing else
        model.video_head.hidden.weight.zero_()
        model.video_head.hidden.bias.zero_()
        model.video_head.hidden.weight[0, -2] = -1
        model.video_head.output.weight.zero_()
        model.video_head.output.weight[1, 0] = 1
    embeddings = moving(model, 5)
    embeddings[:, -BESIDE] = -1
    shown, _ = region_evidence(model, embeddings, torch.arange(5)[None])
    torch.testing.assert_close(shown[0], region_weights(14)[SKIN] / region_weights(14)[SKIN].max(), atol=1e-5, rtol=0)


def test_a_face_that_lives_stays_dark() -> None:
    model = tiny()
    embeddings = moving(model, 5)
    windows = model.score_windows(embeddings[None])
    with torch.no_grad():  # whatever changes speaks for real
        changes = windows.features.video
        assert changes is not None
        model.video_head.hidden.weight.copy_(torch.sign(changes[0]).expand_as(model.video_head.hidden.weight))
        model.video_head.output.weight[0].fill_(1)
        model.video_head.output.weight[1].fill_(-1)
    assert not any(found.any() for found in region_evidence(model, embeddings, torch.arange(5)[None]))


def test_where_no_two_frames_follow_each_other_nothing_is_shown() -> None:
    model = tiny()
    alone = torch.tensor([[0, -1, -1, -1, -1]])
    assert not any(found.any() for found in region_evidence(model, moving(model, 5), alone))
