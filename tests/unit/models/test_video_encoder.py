"""From a crop to an embedding: the backbone, its channels, what is frozen, what is added."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.fft
import torch

from model_src.config.schema import VideoConfig
from model_src.models import MultimodalModel
from model_src.models.frequency import LUMINANCE, FrequencyBranch, dct_matrix
from model_src.models.inputs import IMAGENET_MEAN, IMAGENET_STD, frames_from_crops
from model_src.models.video_encoder import SpatialAttention, VideoEncoder
from model_src.models.weights import widen
from tests.unit.models.tiny import SIDE


def encoder(**changes: Any) -> VideoEncoder:
    return VideoEncoder(VideoConfig(**{"backbone": "test_efficientnet", "frame_size": SIDE} | changes)).eval()


def test_efficientnet_b3_gives_1536_features_and_a_7_by_7_map(contract_v1: MultimodalModel) -> None:
    with torch.no_grad():
        embeddings, maps = contract_v1.encode_frames(torch.randn(2, 3, 224, 224))
    assert embeddings.shape == (2, 1536)
    assert maps.shape == (2, 1536, 7, 7)


@pytest.mark.parametrize("backbone", ["test_efficientnet", "test_resnet", "test_convnext", "test_vit"])
def test_any_timm_backbone_gives_a_map_whose_mean_is_the_embedding(backbone: str) -> None:
    side = 160 if backbone == "test_vit" else SIDE
    model = encoder(backbone=backbone)
    with torch.no_grad():
        embeddings, maps = model(torch.randn(2, 3, side, side))
    assert embeddings.shape == (2, model.output_dim)
    assert maps.dim() == 4
    torch.testing.assert_close(embeddings, maps.mean(dim=(2, 3)))


def test_every_frame_is_encoded_by_itself() -> None:
    model, frames = encoder(), torch.randn(4, 3, SIDE, SIDE)
    with torch.no_grad():
        together = model(frames).embeddings
        alone = torch.cat([model(frame[None]).embeddings for frame in frames])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)


def test_the_backbone_sees_the_statistics_it_was_trained_on() -> None:
    """tf_efficientnet_lite0 was trained on pixels between -1 and 1, frames come with ImageNet's statistics."""
    model = encoder(backbone="tf_efficientnet_lite0")
    crops = torch.randint(0, 256, (1, SIDE, SIDE, 3), dtype=torch.uint8)
    seen: list[torch.Tensor] = []
    model.backbone.conv_stem.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0]))
    model(frames_from_crops(crops))
    torch.testing.assert_close(seen[0], (crops.float() / 127.5 - 1).permute(0, 3, 1, 2), atol=1e-5, rtol=0)


def test_frames_carry_imagenet_statistics() -> None:
    crops = np.random.default_rng(0).integers(0, 256, (2, 4, 4, 3), dtype=np.uint8)
    expected = (crops / 255 - np.array(IMAGENET_MEAN)) / np.array(IMAGENET_STD)
    np.testing.assert_allclose(frames_from_crops(torch.from_numpy(crops)).permute(0, 2, 3, 1), expected, atol=1e-5)


def test_flow_makes_five_channels() -> None:
    crops, flow = torch.zeros(2, SIDE, SIDE, 3, dtype=torch.uint8), torch.full((2, SIDE, SIDE, 2), 5.0)
    frames = frames_from_crops(crops, flow.half())
    assert frames.shape == (2, 5, SIDE, SIDE)
    assert (frames[:, 3:] == 0.5).all()
    with torch.no_grad():
        assert encoder(channels=5)(frames).embeddings.shape == (2, 256)


def test_without_motion_five_channels_see_what_three_saw() -> None:
    three, five = encoder(), encoder(channels=5)
    state = three.backbone.state_dict()
    first = "conv_stem.weight"
    five.backbone.load_state_dict(state | {first: widen(state[first], 5)})
    frames = torch.randn(2, 3, SIDE, SIDE)
    still = torch.cat([frames, torch.zeros(2, 2, SIDE, SIDE)], dim=1)
    moving = torch.cat([frames, torch.ones(2, 2, SIDE, SIDE)], dim=1)
    with torch.no_grad():
        torch.testing.assert_close(five(still).embeddings, three(frames).embeddings, atol=1e-5, rtol=1e-5)
        assert not torch.allclose(five(moving).embeddings, three(frames).embeddings, atol=1e-3)


def test_leading_stages_stay_as_pretrained_and_later_ones_learn() -> None:
    model = encoder(frozen_stages=3)
    learns = {name: parameter.requires_grad for name, parameter in model.backbone.named_parameters()}
    assert not learns["conv_stem.weight"]  # stage 0
    assert not any(value for name, value in learns.items() if name.startswith(("bn1.", "blocks.0.", "blocks.1.")))
    assert all(value for name, value in learns.items() if name.startswith(("blocks.2.", "conv_head", "bn2")))


@pytest.mark.parametrize(("frozen", "learning"), [(0, True), ("all", False)])
def test_all_or_nothing_can_be_fine_tuned(frozen: int | str, learning: bool) -> None:
    model = encoder(frozen_stages=frozen)
    assert {parameter.requires_grad for parameter in model.backbone.parameters()} == {learning}


def test_frozen_stages_keep_their_statistics_in_training() -> None:
    model = encoder(frozen_stages=2).train()
    before = {name: buffer.clone() for name, buffer in model.backbone.named_buffers()}
    model(torch.randn(4, 3, SIDE, SIDE) * 5)
    changed = {name for name, buffer in model.backbone.named_buffers() if not torch.equal(buffer, before[name])}
    assert not any(name.startswith(("bn1.", "blocks.0.")) for name in changed)
    assert any(name.startswith("blocks.2.") for name in changed)


def test_spatial_attention_weighs_cells_not_channels() -> None:
    maps = torch.rand(2, 8, 5, 5) + 0.1
    weights = SpatialAttention()(maps) / maps  # [2, 8, 5, 5]
    torch.testing.assert_close(weights, weights[:, :1].expand_as(weights))
    assert ((weights > 0) & (weights < 1)).all()
    assert weights.std() > 0


def test_spatial_attention_is_in_the_map_that_grad_cam_looks_at() -> None:
    model = encoder(spatial_attention=True)
    with torch.no_grad():
        embeddings, maps = model(torch.randn(2, 3, SIDE, SIDE))
    torch.testing.assert_close(embeddings, maps.mean(dim=(2, 3)))


def test_the_spectrum_is_the_orthonormal_dct() -> None:
    frames = torch.randn(2, 3, SIDE, SIDE)
    grey = np.einsum("nchw,c->nhw", frames.numpy().astype(np.float64), np.array(LUMINANCE))
    expected = np.log(np.abs(scipy.fft.dctn(grey, axes=(1, 2), norm="ortho")) + 1e-3)
    actual = FrequencyBranch(SIDE, 8).log_magnitude(frames)[:, 0]
    np.testing.assert_allclose(np.exp(actual.numpy()), np.exp(expected), atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(dct_matrix(16) @ dct_matrix(16).T, torch.eye(16), atol=1e-6, rtol=0)


def test_the_frequency_branch_adds_to_the_embedding_and_not_to_the_map() -> None:
    model = encoder(frequency_branch=True)
    with torch.no_grad():
        frames = torch.randn(2, 3, SIDE, SIDE)
        embeddings, maps = model(frames)
        assert model.frequency is not None
        torch.testing.assert_close(embeddings - maps.mean(dim=(2, 3)), model.frequency(frames), atol=1e-5, rtol=1e-4)
        assert model.frequency(frames).std(dim=0).max() > 0


def test_the_frequency_branch_tells_a_checkerboard_from_a_gradient_of_the_same_brightness() -> None:
    branch = FrequencyBranch(SIDE, 8)
    rows = torch.arange(SIDE)
    board = ((rows[:, None] + rows) % 2 * 2.0 - 1).expand(1, 3, -1, -1)
    slope = torch.linspace(-1, 1, SIDE).expand(1, 3, SIDE, -1)
    board_spectrum, slope_spectrum = branch.log_magnitude(board)[0, 0], branch.log_magnitude(slope)[0, 0]
    high, low = (slice(SIDE // 2, None),) * 2, (slice(0, SIDE // 2),) * 2
    assert board_spectrum[high].max() > slope_spectrum[high].max() + 3
    assert slope_spectrum[low].max() > board_spectrum[low].max()


def test_mixed_precision_leaves_what_compares_frames_all_of_its_digits() -> None:
    model = encoder(pooling="regions", region_stages=1, frame_size=224)
    frames = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(1))
    rounds: list[bool] = []
    model.backbone.conv_stem.register_forward_hook(lambda *_: rounds.append(torch.backends.cudnn.allow_tf32))
    with torch.no_grad():
        exact = model(frames).embeddings
        with torch.autocast("cpu", torch.bfloat16):
            mixed = model(frames).embeddings
    assert torch.equal(mixed, exact)
    assert rounds == [False, False]
    assert torch.backends.cudnn.allow_tf32  # as it was: whatever else runs may round


def test_mixed_precision_does_not_drown_the_fine_of_a_spectrum() -> None:
    branch = FrequencyBranch(SIDE, 8)
    frames = torch.randn(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1)) * 0.01 + 1
    exact = branch.log_magnitude(frames)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(branch.log_magnitude(frames), exact)
