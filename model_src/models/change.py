"""How much each region of a face moves about within a second: what is generated lives less than what is filmed.

A face that was animated from one picture, or put on by a generator, blinks, breathes and twitches less than the one it
stands for, while the head under it moves as before. A sharp face in good light changes more than a soft one that does
the same, so change is counted in shares of what there is to change: the contrast. Somebody who keeps turning changes
more than somebody who sits still, so how far the head turns is counted, too.

More than life is no proof of life: a face that is drawn anew for every frame, or that the tracker does not hold,
changes more than a living one. So change counts up to what the liveliest do, and backwards beyond. Beside it stands
what needs no time: how many tones the skin has.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from model_src.models.head_pose import ROLL, YAW, head_pose
from model_src.models.masks import masked_mean
from model_src.models.regions import REGIONS
from model_src.models.temporal import TemporalEncoder
from model_src.models.tones import TONES

FRAMES_PER_WINDOW = 5  # change is looked at in steps of a fifth of a second, however many frames a window has
SMALLEST = 1e-3
SMALLEST_TURN = 0.005  # radians; a head that is held is not found at the same place to the last bit
POSE = 2  # numbers of a frame that tell how the head is turned
BESIDE = TONES + POSE  # numbers at the end of a frame that stand beside what its regions look like
# What a still picture changes by when it was stored as a film is under 0.06, the stillest of 3,800 filmed and generated
# seconds changes by 0.12: of what faces differ from each other, the mean over all there is to measure.
STILL = 0.08
LIVELIEST = (
    1.25  # deviations from the usual change; over all its regions, a face changes more in one of twenty real seconds
)


class RegionalChange(TemporalEncoder):
    """[B, T, D'], which is D as the video encoder gives it and the head's pose -> [B, G] at every place of T.

    For every distance in time the logarithm of the mean change of each region in each stage, less that of the contrast,
    and how far the head turns; as far from the usual as usual windows are from each other. Then the mean of all
    distances, folded where a region changes more than living ones do. G: the regions' change, the tones, the turn.
    """

    judges_frames = False

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        self.channels = tuple(channels)
        moves = 2 * REGIONS * len(channels) + 1  # M: each region in each stage, and the head
        self.output_dim = moves + TONES  # G
        self.normal = nn.ModuleList(nn.BatchNorm1d(moves, affine=False) for _ in range(FRAMES_PER_WINDOW - 1))
        self.normal_tones = nn.BatchNorm1d(TONES, affine=False)

    def with_points(self, embeddings: Tensor, points: Tensor | None) -> Tensor:
        """Yaw and roll alone: how far a head nods, and how large it is, is read from the mouth, and mouths talk."""
        if points is None:
            raise ValueError("a model that looks at change takes the five points of the face with every frame")
        return torch.cat([embeddings, head_pose(points)[0][..., [YAW, ROLL]]], dim=-1)

    def sequence(self, frames: Tensor, mask: Tensor) -> Tensor:
        places = frames.shape[1]
        frames, mask = in_steps(frames), in_steps(mask)  # [B, T', D'], [B, T']
        looks, tones, pose = frames.split([frames.shape[-1] - BESIDE, TONES, POSE], dim=-1)  # [B, T', ...]
        contrast = self._contrast(looks, mask)  # [B, M - 1]
        sums = frames.new_zeros(len(frames), self.output_dim - TONES)  # [B, M]
        told = torch.zeros_like(sums[:, :1])  # [B, 1], over how many distances
        for distance, normal in enumerate(self.normal, start=1):
            difference, both = apart(looks, mask, distance)
            rows = both.any(dim=1)  # [B], is there anything to compare?
            if not rows.any() or (self.training and rows.sum() < 2):  # one row has no statistics to learn from
                continue
            change = self._grouped(difference[rows])  # [B', T' - distance, M - 1]
            change = torch.log(masked_mean(change, both[rows]) + SMALLEST) - contrast[rows]  # [B', M - 1]
            angle = apart(pose, mask, distance)[0][rows].norm(dim=-1, keepdim=True)  # [B', T' - distance, 1]
            turn = torch.log(masked_mean(angle, both[rows]) + SMALLEST_TURN)  # [B', 1]
            change = torch.cat([change, turn], dim=1)  # [B', M]
            sums = sums.index_put((rows,), normal(change).to(sums.dtype), accumulate=True)
            told = told + rows[:, None]
        change, turn = (sums / told.clamp(min=1)).split([self.output_dim - TONES - 1, 1], dim=1)
        folded = torch.minimum(change, 2 * LIVELIEST - change)
        found = torch.cat([folded, self._tones(tones, mask), turn], dim=1)  # [B, G]
        return found.unsqueeze(1).expand(-1, places, -1)

    def enough(self, mask: Tensor) -> Tensor:
        """Change takes two frames to compare."""
        return in_steps(mask).sum(dim=1) >= 2

    def tells(self, frames: Tensor, mask: Tensor) -> Tensor:
        """A picture that is shown for a second neither lives nor is held still by a forger."""
        frames, mask = in_steps(frames), in_steps(mask)
        statistics = frames[..., : -REGIONS * len(self.channels) - BESIDE]  # without the contrast and what is beside it
        most = torch.zeros_like(statistics[:, 0, 0])  # [B], and nothing changes where there are no two frames
        for distance in range(1, frames.shape[1]):
            change, both = apart(statistics, mask, distance)
            most = torch.maximum(most, masked_mean(change.mean(dim=-1, keepdim=True), both).squeeze(-1))
        return most > STILL

    def _tones(self, tones: Tensor, mask: Tensor) -> Tensor:
        """[B, T', 1] -> their mean, as far from the usual as usual windows are from each other: [B, 1]."""
        rows = mask.any(dim=1)  # [B]
        found = tones.new_zeros(len(tones), TONES)
        if not rows.any() or (self.training and rows.sum() < 2):
            return found
        usual = self.normal_tones(masked_mean(tones[rows], mask[rows]))
        return found.index_put((rows,), usual.to(found.dtype))

    def _grouped(self, statistics: Tensor) -> Tensor:
        """[..., D - 1] -> [..., M - 1]: the mean over the channels of each region of each stage."""
        widths = [2 * REGIONS * count for count in self.channels]
        stages = statistics.split([*widths, REGIONS * len(self.channels)], dim=-1)[:-1]
        return torch.cat([stage.unflatten(-1, (2 * REGIONS, -1)).mean(dim=-1) for stage in stages], dim=-1)

    def _contrast(self, frames: Tensor, mask: Tensor) -> Tensor:
        """[B, T', D - 1] -> its logarithm [B, M - 1]: a region's means and deviations share one."""
        contrast = frames[..., -REGIONS * len(self.channels) :]  # [B, T', S * R]
        mean = torch.log(masked_mean(contrast, mask) + SMALLEST).unflatten(1, (-1, 1, REGIONS))  # [B, S, 1, R]
        return mean.expand(-1, -1, 2, -1).flatten(1)


def apart(frames: Tensor, mask: Tensor, distance: int) -> tuple[Tensor, Tensor]:
    """How much frames [B, T', D] so far apart differ, [B, T' - distance, D], and where both are there."""
    return (frames[:, distance:] - frames[:, :-distance]).abs(), mask[:, distance:] & mask[:, :-distance]


def in_steps(frames: Tensor) -> Tensor:
    """[B, T, ...] -> [B, T', ...]: five a window, however many it has."""
    return frames[:, :: max(1, frames.shape[1] // FRAMES_PER_WINDOW)]
