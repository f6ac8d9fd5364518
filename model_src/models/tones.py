"""How many tones the skin has: one that a generator painted has fewer, beside what surrounds it, than living skin.

Light from several sides, blood, beard and make-up give a face many shades between yellow and blue. A generator gives
the colour right and the shades not all of them, and what it is pasted on keeps its own. Large cells are compared:
compression takes fine colour from every picture.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from model_src.models.inputs import IMAGENET_MEAN, IMAGENET_STD
from model_src.models.regions import AROUND_FACE, COARSE, EDGE_OF_FACE, SKIN, region_weights

TONES = 1  # numbers of a frame that tell of its tones
SMALLEST = 0.2  # of a deviation; one tone differs from the next by about 1


class Tones(nn.Module):
    """Frames [N, C, H, W] -> [N, 1]: the logarithm of the skin's deviation less that of the surroundings."""

    mean: Tensor
    deviation: Tensor
    regions: Tensor

    def __init__(self, side: int) -> None:
        super().__init__()
        self.cells = max(1, side // COARSE)  # pixels along each side of one
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("regions", region_weights(side // self.cells).flatten(1), persistent=False)

    def forward(self, frames: Tensor) -> Tensor:
        colours = (frames[:, :3].float() * self.deviation + self.mean).clamp(0, 1)  # [N, 3, H, W]
        tones = yellow_to_blue(nn.functional.avg_pool2d(colours, self.cells)).flatten(1)  # [N, cells]
        middle = tones @ self.regions.T  # [N, R]
        apart = (tones.unsqueeze(1) - middle.unsqueeze(2)).square()  # [N, R, cells]
        spread = torch.log(torch.sqrt((apart * self.regions).sum(dim=2)) + SMALLEST)  # [N, R]
        surroundings = (spread[:, EDGE_OF_FACE] + spread[:, AROUND_FACE]) / 2  # [N]
        return (spread[:, SKIN] - surroundings).unsqueeze(1)


def yellow_to_blue(colours: Tensor) -> Tensor:
    """sRGB [N, 3, h, w] in 0..1 -> [N, h, w], the b of CIE L*a*b* under daylight: equal steps look equally large."""
    dark = colours <= 0.04045
    light = torch.where(dark, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    red, green, blue = light.unbind(dim=1)  # [N, h, w] each
    y = 0.212671 * red + 0.715160 * green + 0.072169 * blue
    z = (0.019334 * red + 0.119193 * green + 0.950227 * blue) / 1.088754
    return 200 * (_as_seen(y) - _as_seen(z))


def _as_seen(light: Tensor) -> Tensor:
    return torch.where(light > 0.008856, light.clamp(min=0.008856) ** (1 / 3), 7.787 * light + 16 / 116)
