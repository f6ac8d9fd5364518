"""A grouped convolution along time as one product of matrices.

wav2vec2 tells positions apart by a convolution over 128 steps in 16 groups. The libraries run it group by group, off
the matrix units: on an H200 it took longer than the twelve transformer blocks after it.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class GroupedConv(nn.Module):
    """What a `Conv1d` of stride 1 computes, in the precision of its weights: [B, C, L] -> [B, C', L']."""

    weight: Tensor
    bias: Tensor

    def __init__(self, conv: nn.Conv1d, dtype: torch.dtype) -> None:
        super().__init__()
        if not is_plain(conv):
            raise ValueError("only a plain convolution can be rewritten")
        self._groups, self._kernel, self._padding = conv.groups, conv.kernel_size[0], int(conv.padding[0])
        weight = conv.weight.detach().unflatten(0, (conv.groups, -1))  # [G, o, c, k], a norm of the weight worked in
        self.register_buffer("weight", weight.flatten(2).transpose(1, 2).to(dtype).contiguous())  # [G, c * k, o]
        bias = torch.zeros(conv.out_channels) if conv.bias is None else conv.bias.detach()
        self.register_buffer("bias", bias.to(weight.device, dtype))  # [C']

    def forward(self, sound: Tensor) -> Tensor:
        padded = F.pad(sound.to(self.weight.dtype), (self._padding, self._padding))
        heard = padded.unflatten(1, (self._groups, -1)).unfold(3, self._kernel, 1)  # [B, G, c, L', k]
        rows, steps = heard.shape[0], heard.shape[3]
        heard = heard.permute(1, 0, 3, 2, 4).reshape(self._groups, rows * steps, -1)  # [G, B * L', c * k]
        said = torch.bmm(heard, self.weight).unflatten(1, (rows, steps))  # [G, B, L', o]
        return said.permute(1, 0, 3, 2).flatten(1, 2) + self.bias[:, None]  # [B, C', L']


def is_plain(conv: nn.Conv1d) -> bool:
    steps = conv.stride == (1,) and conv.dilation == (1,)
    return steps and conv.padding_mode == "zeros" and not isinstance(conv.padding, str)


def rewrite(network: nn.Module, dtype: torch.dtype) -> None:
    """The grouped convolutions along time inside, each in its place; one of a channel to a group is no product of
    matrices, and stays."""
    for parent in list(network.modules()):
        for name, child in parent.named_children():
            if isinstance(child, nn.Conv1d) and 1 < child.groups < child.in_channels and is_plain(child):
                parent.add_module(name, GroupedConv(child, dtype))
