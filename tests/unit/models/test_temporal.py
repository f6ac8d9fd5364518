"""Along time: every kind takes 5 to 10 frames, and gaps."""

from __future__ import annotations

import pytest
import torch

from model_src.config.schema import TemporalConfig
from model_src.models.build_temporal import build_temporal
from model_src.models.temporal import TemporalConv, TemporalEncoder, sinusoids

# `change` finds five regions of one channel, their contrasts, the tones of the skin and the pose of the head in 18.
WIDTH, OUT = 18, 32
KINDS = ["conv", "avg_pool", "transformer", "change"]


def temporal(kind: str, input_dim: int = WIDTH) -> TemporalEncoder:
    config = TemporalConfig.model_validate({"kind": kind, "output_dim": OUT, "hidden_dim": 16, "heads": 2})
    return build_temporal(input_dim, config, [1]).eval()


def test_the_convolution_makes_2048_features_of_5_frames_of_1536() -> None:
    conv = build_temporal(1536, TemporalConfig())
    assert isinstance(conv, TemporalConv)
    assert (conv.conv.kernel_size, conv.conv.stride) == ((3,), (1,))
    assert conv(torch.randn(2, 5, 1536)).shape == (2, 2048)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("frames", [1, 5, 7, 10])
def test_windows_of_any_length_are_taken(kind: str, frames: int) -> None:
    encoder = temporal(kind)
    sequence = encoder.sequence(torch.rand(3, frames, WIDTH), torch.ones(3, frames, dtype=torch.bool))
    assert sequence.shape == (3, frames, encoder.output_dim)
    assert encoder(torch.rand(3, frames, WIDTH)).shape == (3, encoder.output_dim)


@pytest.mark.parametrize("kind", KINDS)
def test_what_lies_in_a_gap_has_no_say(kind: str) -> None:
    encoder = temporal(kind)
    frames = torch.rand(2, 6, WIDTH)
    mask = torch.tensor([[1, 1, 0, 1, 0, 0], [0, 1, 1, 1, 1, 1]], dtype=torch.bool)
    junk = torch.where(mask.unsqueeze(-1), frames, torch.full_like(frames, 1e3))
    torch.testing.assert_close(encoder(frames, mask), encoder(junk, mask))


@pytest.mark.parametrize("kind", KINDS)
def test_padding_at_the_end_changes_nothing(kind: str) -> None:
    encoder = temporal(kind)
    frames = torch.rand(2, 5, WIDTH)
    padded = torch.cat([frames, torch.zeros(2, 3, WIDTH)], dim=1)
    mask = torch.arange(8).expand(2, -1) < 5
    torch.testing.assert_close(encoder(padded, mask), encoder(frames), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_a_window_without_any_frame_gives_numbers_and_spoils_no_other(kind: str) -> None:
    encoder = temporal(kind)
    frames = torch.rand(2, 5, WIDTH)
    mask = torch.tensor([[True] * 5, [False] * 5])
    answer = encoder(frames, mask)
    assert torch.isfinite(answer).all()
    assert torch.isfinite(encoder.sequence(frames, mask)).all()
    torch.testing.assert_close(answer[:1], encoder(frames[:1]), atol=1e-6, rtol=1e-5)


def test_the_convolution_is_the_sum_over_three_neighbours() -> None:
    encoder = temporal("conv")
    assert isinstance(encoder, TemporalConv)
    frames = torch.rand(5, WIDTH)
    weight, bias = encoder.conv.weight, encoder.conv.bias
    assert bias is not None
    rows = []
    for t in range(5):
        total = bias.clone()
        for offset in (-1, 0, 1):
            if 0 <= t + offset < 5:
                total = total + weight[:, :, offset + 1] @ frames[t + offset]
        rows.append(torch.clamp(total, min=0))
    torch.testing.assert_close(encoder(frames[None])[0], torch.stack(rows).mean(dim=0), atol=1e-5, rtol=1e-5)


def test_average_pooling_is_the_mean_of_the_frames_that_are_there() -> None:
    frames = torch.rand(1, 4, WIDTH)
    mask = torch.tensor([[True, False, True, True]])
    torch.testing.assert_close(temporal("avg_pool")(frames, mask)[0], frames[0, [0, 2, 3]].mean(dim=0))


@pytest.mark.parametrize(("kind", "minds"), [("conv", True), ("transformer", True), ("avg_pool", False)])
def test_who_minds_the_order_of_frames(kind: str, minds: bool) -> None:
    encoder, frames = temporal(kind), torch.rand(1, 6, WIDTH)
    backwards = encoder(frames.flip(1))
    assert torch.allclose(encoder(frames), backwards, atol=1e-5) is not minds


def test_a_window_longer_than_the_transformer_has_positions_is_refused() -> None:
    with pytest.raises(ValueError, match=r"temporal\.max_frames is 16"):
        temporal("transformer")(torch.rand(1, 17, WIDTH))


def test_every_position_has_a_code_of_its_own() -> None:
    table = sinusoids(16, 512)
    distances = torch.cdist(table, table) + 1e3 * torch.eye(16)
    assert distances.min() > 1
