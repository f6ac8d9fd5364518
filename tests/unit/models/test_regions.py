"""Pooling by regions of the face: what each region is, and that each is told apart from the others."""

from __future__ import annotations

from pathlib import Path

import onnxruntime
import pytest
import torch

from model_src.config.schema import VideoConfig
from model_src.data.fakes.masks import Region, placed
from model_src.models.regions import EYES, FACE, MOUTH, REGIONS, RegionalPooling, region_weights
from model_src.models.video_encoder import VideoEncoder
from model_src.preprocess.align import CANONICAL, SIZE
from model_src.serving.graphs import export

CHANNELS, SIDES, WIDTH = (4, 6), (28, 14), 3


def stages(seed: int, rows: int = 3) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(rows, c, side, side, generator=generator) for c, side in zip(CHANNELS, SIDES, strict=True)]


@pytest.mark.parametrize("side", [7, 14, 28])
def test_every_region_is_a_weighted_mean(side: int) -> None:
    weights = region_weights(side)
    assert weights.shape == (REGIONS, side, side)
    assert (weights >= 0).all()
    torch.testing.assert_close(weights.sum(dim=(1, 2)), torch.ones(REGIONS))


@pytest.mark.parametrize(("ellipse", "region"), [(EYES, "eyes"), (MOUTH, "mouth"), (FACE, "face")])
def test_the_regions_lie_where_an_aligned_face_has_them(ellipse: tuple[float, ...], region: Region) -> None:
    outline = placed(CANONICAL.astype("float32"), region) / SIZE
    middle, half = (outline.max(0) + outline.min(0)) / 2, (outline.max(0) - outline.min(0)) / 2
    assert [*middle, *half] == pytest.approx(ellipse, abs=0.02)


def test_what_changes_in_one_region_changes_its_own_numbers_most() -> None:
    torch.manual_seed(0)
    pooling = RegionalPooling(CHANNELS, SIDES, WIDTH)
    for seed in range(4):
        pooling(stages(seed, 16))  # the statistics of the normalisation
    pooling.eval()
    for region in range(REGIONS):
        before = stages(9, 1)
        weights = [region_weights(side)[region] for side in SIDES]
        after = [maps + 2 * weight / weight.max() for maps, weight in zip(before, weights, strict=True)]
        with torch.no_grad():
            change = (pooling(after) - pooling(before)).abs()[0].unflatten(0, (-1, REGIONS, WIDTH))  # [2S, R, w]
        means = change[::2].sum(dim=(0, 2))  # [R]; deviations stand between the stages' means
        assert int(means.argmax()) == region


def test_an_encoder_that_pools_by_regions_answers_alike_in_any_batch() -> None:
    torch.manual_seed(0)
    config = VideoConfig(backbone="test_efficientnet", pooling="regions", region_stages=2, region_width=3)
    encoder = VideoEncoder(config).eval()
    frames = torch.randn(3, 3, 224, 224, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        together, alone = encoder(frames), encoder(frames[1:2])
    assert together.embeddings.shape == (3, 2 * 2 * REGIONS * 3)
    assert together.maps.shape == (3, 2 * 2 * REGIONS * 3, 1, 1)
    torch.testing.assert_close(together.embeddings[1:2], alone.embeddings, atol=1e-4, rtol=1e-4)


def test_the_exported_network_gives_the_same_numbers_for_any_number_of_frames(tmp_path: Path) -> None:
    torch.manual_seed(0)
    pooling = RegionalPooling(CHANNELS, SIDES, WIDTH)
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
