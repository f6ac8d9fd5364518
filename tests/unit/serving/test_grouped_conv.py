"""The convolution that is rewritten for a GPU computes what it did."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from model_src.serving.grouped_conv import GroupedConv, rewrite
from tests.unit.serving.models import small_model


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("kernel", "padding"), [(8, 4), (5, 2), (3, 0)])
def test_one_product_of_matrices_gives_what_the_convolution_gives(kernel: int, padding: int, bias: bool) -> None:
    conv = nn.Conv1d(12, 8, kernel, padding=padding, groups=4, bias=bias)
    sound = torch.randn(3, 12, 20)
    torch.testing.assert_close(GroupedConv(conv, torch.float32)(sound), conv(sound))


def test_the_norm_of_a_weight_is_worked_in() -> None:
    conv = weight_norm(nn.Conv1d(8, 8, 4, padding=2, groups=2), name="weight", dim=2)
    conv.parametrizations.weight.original0.data *= 3
    sound = torch.randn(2, 8, 10)
    torch.testing.assert_close(GroupedConv(conv, torch.float32)(sound), conv(sound))


@pytest.mark.parametrize(
    "changes", [{"stride": 2}, {"dilation": 2}, {"padding": "same"}, {"padding": 1, "padding_mode": "circular"}]
)
def test_another_kind_of_convolution_is_refused(changes: dict) -> None:
    with pytest.raises(ValueError, match="plain convolution"):
        GroupedConv(nn.Conv1d(4, 4, 3, groups=2, **changes), torch.float32)


def test_what_cannot_be_rewritten_or_would_not_gain_stays_as_it_is() -> None:
    strided, of_one_channel, ungrouped = (
        nn.Conv1d(8, 8, 3, groups=2, stride=2),
        nn.Conv1d(8, 8, 3, groups=8),
        nn.Conv1d(8, 8, 3),
    )
    network = nn.Sequential(strided, of_one_channel, ungrouped)
    rewrite(network, torch.float32)
    assert list(network) == [strided, of_one_channel, ungrouped]


def test_a_whole_network_hears_the_same_when_its_convolutions_are_rewritten() -> None:
    encoder = small_model().eval().audio_encoder
    sound = torch.randn(2, 16000)
    with torch.no_grad():
        before = encoder.encode(sound)
        rewrite(encoder, torch.float32)
        assert any(isinstance(module, GroupedConv) for module in encoder.modules())
        torch.testing.assert_close(encoder.encode(sound), before, atol=1e-5, rtol=1e-4)
