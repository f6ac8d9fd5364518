"""Change from frame to frame: what is measured, what is not known, and where it is shown."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from pydantic import ValidationError

from model_src.config.schema import ModelConfig
from model_src.explain.region_evidence import region_evidence
from model_src.models import MultimodalModel
from model_src.models.change import RegionalChange
from model_src.models.heads import log_odds
from model_src.models.regions import REGIONS, region_weights

GROUPS, WIDTH = 6, 4
ALL = torch.ones(8, 5, dtype=torch.bool)


def change() -> RegionalChange:
    made = RegionalChange(GROUPS * WIDTH, WIDTH)
    made.train()
    for seed in range(30):
        made(torch.randn(32, 5, GROUPS * WIDTH, generator=torch.Generator().manual_seed(seed)))
    return made.eval()


def frames(seed: int = 0) -> torch.Tensor:
    return torch.randn(8, 5, GROUPS * WIDTH, generator=torch.Generator().manual_seed(seed))


def test_a_region_that_holds_still_is_lower_than_any_other() -> None:
    moving = frames()
    moving[:, :, 2 * WIDTH : 3 * WIDTH] = moving[:, :1, 2 * WIDTH : 3 * WIDTH]
    assert (change()(moving).argmin(dim=1) == 2).all()


def test_what_a_face_looks_like_has_no_say() -> None:
    offset = torch.randn(8, 1, GROUPS * WIDTH)
    torch.testing.assert_close(change()(frames()), change()(frames() + offset), atol=1e-4, rtol=1e-4)


def test_twice_the_frames_of_the_same_second_give_the_same_change() -> None:
    pace = frames()[:, :1]
    slow, fast = pace * torch.arange(5)[:, None], pace * torch.arange(10)[:, None] / 2
    torch.testing.assert_close(change()(fast), change()(slow))


@pytest.mark.parametrize("there", [[1, 0, 0, 0, 0], [1, 0, 1, 0, 1], [0, 0, 0, 0, 0]])
def test_frames_that_do_not_follow_each_other_tell_nothing(there: list[int]) -> None:
    mask = torch.tensor(there, dtype=torch.bool).expand(8, -1)
    encoder = change()
    assert (encoder.sequence(frames(), mask) == 0).all()


def test_one_picture_alone_tells_nothing() -> None:
    assert (change()(frames()[:, :1]) == 0).all()


def tiny(**video: Any) -> MultimodalModel:
    torch.manual_seed(3)
    settings = {"backbone": "test_efficientnet", "pooling": "regions", "region_stages": 1, "region_width": WIDTH}
    config = ModelConfig.model_validate(
        {"name": "tiny", "enable_audio": False, "video": settings | video, "temporal": {"kind": "change"}}
    )
    return MultimodalModel(config).eval()


def test_change_and_regions_are_only_had_together() -> None:
    with pytest.raises(ValidationError, match="made for each other"):
        tiny(pooling="mean")


def test_a_frame_is_scored_beside_its_neighbours() -> None:
    model = tiny()
    embeddings = torch.randn(6, 2 * REGIONS * WIDTH)
    embeddings[3] += 5
    with torch.no_grad():
        scores = model.score_frames(embeddings)
        alone = model.score_frames(embeddings[:1])
    assert scores.shape == (6,)
    assert torch.isfinite(alone).all()
    assert len(set(scores.tolist())) == 6, "every frame has an answer of its own"


def test_the_picture_shows_the_region_that_spoke_for_fake() -> None:
    model = tiny()
    with torch.no_grad():  # a head that says fake where the mouth holds still, and looks at nothing else
        model.video_head.hidden.weight.zero_()
        model.video_head.hidden.bias.zero_()
        model.video_head.hidden.weight[0, 1::REGIONS] = -1
        model.video_head.output.weight.zero_()
        model.video_head.output.weight[1, 0] = 1
    embeddings = torch.randn(5, 2 * REGIONS * WIDTH)
    groups = embeddings.unflatten(1, (-1, REGIONS, WIDTH))
    groups[:, :, 1] = groups[:1, :, 1]  # the mouth holds still
    windows = torch.arange(5)[None]
    scored = model.score_windows(groups.flatten(1)[None])
    assert log_odds(scored.fused).item() > 0
    shown = region_evidence(model, groups.flatten(1), windows)
    assert shown.shape == (5, 14, 14)
    torch.testing.assert_close(shown[0], region_weights(14)[1] / region_weights(14)[1].max(), atol=1e-5, rtol=0)


def test_a_face_that_lives_stays_dark() -> None:
    model = tiny()
    embeddings = torch.randn(5, 2 * REGIONS * WIDTH)
    windows = model.score_windows(embeddings[None])
    with torch.no_grad():  # whatever changes speaks for real
        changes = windows.features.video
        assert changes is not None
        model.video_head.hidden.weight.copy_(torch.sign(changes[0]).expand_as(model.video_head.hidden.weight))
        model.video_head.output.weight[0].fill_(1)
        model.video_head.output.weight[1].fill_(-1)
    assert (region_evidence(model, embeddings, torch.arange(5)[None]) == 0).all()


def test_where_no_two_frames_follow_each_other_nothing_is_shown() -> None:
    embeddings = torch.randn(5, 2 * REGIONS * WIDTH)
    assert (region_evidence(tiny(), embeddings, torch.tensor([[0, -1, -1, -1, -1]])) == 0).all()
