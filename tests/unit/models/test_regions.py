"""Pooling by regions of the face: what each region is, and that each is told apart from the others."""

from __future__ import annotations

from pathlib import Path

import onnxruntime
import pytest
import torch

from model_src.config.schema import VideoConfig
from model_src.data.fakes.masks import Region, placed
from model_src.models.regions import EYES, MOUTH, REGIONS, RegionalPooling, outline, region_weights
from model_src.models.video_encoder import VideoEncoder
from model_src.preprocess.align import CANONICAL, SIZE
from model_src.serving.graphs import export

CHANNELS, SIDES = (4, 6), (28, 14)


def stages(seed: int, rows: int = 3) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(rows, c, side, side, generator=generator) for c, side in zip(CHANNELS, SIDES, strict=True)]


@pytest.mark.parametrize("side", [7, 14, 28])
def test_every_region_is_a_weighted_mean(side: int) -> None:
    weights = region_weights(side)
    assert weights.shape == (REGIONS, side, side)
    assert (weights >= 0).all()
    torch.testing.assert_close(weights.sum(dim=(1, 2)), torch.ones(REGIONS))


@pytest.mark.parametrize(("ellipse", "region"), [(EYES, "eyes"), (MOUTH, "mouth")])
def test_eyes_and_mouth_lie_where_an_aligned_face_has_them(ellipse: tuple[float, ...], region: Region) -> None:
    drawn = placed(CANONICAL.astype("float32"), region) / SIZE
    middle, half = (drawn.max(0) + drawn.min(0)) / 2, (drawn.max(0) - drawn.min(0)) / 2
    assert [*middle, *half] == pytest.approx(ellipse, abs=0.01)


def test_the_face_has_the_outline_that_forgeries_follow() -> None:
    drawn = placed(CANONICAL.astype("float32"), "face") / SIZE
    torch.testing.assert_close(
        outline().double(), torch.from_numpy(drawn), atol=0.01, rtol=0
    )  # the template is not quite symmetric


@pytest.mark.parametrize("side", [7, 28, 112])
def test_no_two_regions_share_more_than_a_cell_on_their_border(side: int) -> None:
    shares = region_weights(side)
    shares = shares / shares.amax(dim=(1, 2), keepdim=True)
    assert (shares > 0.99).sum(dim=0).max() == 1
    eyes, mouth, skin, edge, around = (share > 0.5 for share in shares)
    rows = [region.any(dim=1).nonzero().float().mean() for region in (eyes, mouth)]
    assert rows[0] < rows[1], "eyes above the mouth"
    assert around.sum() > edge.sum() > eyes.sum()
    assert skin.any()


def test_what_changes_in_one_region_changes_its_own_numbers_most() -> None:
    torch.manual_seed(0)
    pooling = RegionalPooling(CHANNELS, SIDES)
    for seed in range(4):
        pooling(stages(seed, 16))  # the statistics of the normalisation
    pooling.eval()
    for region in range(REGIONS):
        before = stages(9, 1)
        weights = [region_weights(side)[region] for side in SIDES]
        after = [maps + 2 * weight / weight.max() for maps, weight in zip(before, weights, strict=True)]
        with torch.no_grad():
            change = (pooling(after) - pooling(before)).abs()[0]
        for stage in change.split([2 * REGIONS * count for count in CHANNELS] + [REGIONS * len(CHANNELS)])[:-1]:
            means = stage.unflatten(0, (2, REGIONS, -1))[0].mean(dim=1)  # [R]; the deviations stand behind them
            assert int(means.argmax()) == region


def test_the_contrast_stands_at_the_end_as_it_is() -> None:
    pooling = RegionalPooling(CHANNELS, SIDES).eval()
    flat = [torch.full_like(maps, 3.0) for maps in stages(0)]
    soft, sharp = ([maps * size for maps in stages(1)] for size in (1.0, 2.0))
    with torch.no_grad():
        nothing, half, whole = (pooling(maps)[:, -REGIONS * len(CHANNELS) :] for maps in (flat, soft, sharp))
    assert (nothing < 0.01).all()
    torch.testing.assert_close(whole, 2 * half, atol=1e-3, rtol=1e-3)


def test_grain_that_a_coarse_cell_evens_out_is_no_contrast() -> None:
    pooling = RegionalPooling((3,), (112,)).eval()
    face = torch.randn(1, 3, 14, 14, generator=torch.Generator().manual_seed(2)).repeat_interleave(8, 2)
    face = face.repeat_interleave(8, 3)  # [1, 3, 112, 112]
    chequered = torch.tensor([[1.0, -1.0], [-1.0, 1.0]]).repeat(56, 56)
    with torch.no_grad():
        plain, grainy = (pooling([maps])[:, -REGIONS:] for maps in (face, face + 5 * chequered))
    torch.testing.assert_close(plain, grainy, atol=1e-4, rtol=1e-4)
    assert (plain > 0.3).all()


def test_an_encoder_that_pools_by_regions_answers_alike_in_any_batch() -> None:
    torch.manual_seed(0)
    config = VideoConfig(backbone="test_efficientnet", pooling="regions", region_stages=2)
    encoder = VideoEncoder(config).eval()
    frames = torch.randn(3, 3, 224, 224, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        together, alone = encoder(frames), encoder(frames[1:2])
    assert together.embeddings.shape == (3, encoder.output_dim)
    assert together.maps.shape == (3, encoder.output_dim, 1, 1)
    torch.testing.assert_close(together.embeddings[1:2], alone.embeddings, atol=1e-4, rtol=1e-4)


def test_the_exported_network_gives_the_same_numbers_for_any_number_of_frames(tmp_path: Path) -> None:
    torch.manual_seed(0)
    pooling = RegionalPooling(CHANNELS, SIDES)
    pooling(stages(0, 16))
    pooling.eval().requires_grad_(False)

    class Network(torch.nn.Module):
        def forward(self, fine: torch.Tensor, coarse: torch.Tensor) -> torch.Tensor:
            return pooling([fine, coarse])

    path = tmp_path / "regions.onnx"
    inputs = dict(zip(("fine", "coarse"), stages(1, 2), strict=True))
    export(Network(), inputs, ["embeddings"], {name: {0: "rows"} for name in (*inputs, "embeddings")}, path)
    fine, coarse = stages(2, 5)
    (found,) = onnxruntime.InferenceSession(path).run(None, {"fine": fine.numpy(), "coarse": coarse.numpy()})
    with torch.no_grad():
        torch.testing.assert_close(torch.from_numpy(found), pooling([fine, coarse]), atol=1e-5, rtol=1e-5)
