"""Faces of the training people, one picture each, to put on somebody else's head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model_src.data.identities import group_names
from model_src.data.sample import cut_window
from model_src.data.source import Source, Unreadable
from model_src.data.video import Video


@dataclass(frozen=True, eq=False)
class Face:
    crop: NDArray[np.uint8]  # [224, 224, 3]
    points: NDArray[np.float32]  # [5, 2]


@dataclass(frozen=True, eq=False)
class Gallery:
    """G faces; whose they are is known by the group of people that their video belongs to."""

    crops: NDArray[np.uint8]  # [G, 224, 224, 3]
    points: NDArray[np.float32]  # [G, 5, 2]
    groups: tuple[str, ...]  # [G]

    def resembling(
        self, points: NDArray[np.float32], group: str, generator: np.random.Generator, candidates: int = 48
    ) -> Face | None:
        """Of some faces drawn at random, somebody else's that looks the same way; None where there is nobody else."""
        drawn = generator.integers(len(self.crops), size=candidates)
        others = [place for place in drawn if self.groups[place] != group]
        if not others:
            return None
        best = others[int(np.abs(self.points[others] - points).sum(axis=(1, 2)).argmin())]
        return Face(self.crops[best], self.points[best])


def gather(videos: Sequence[Video], source: Source) -> Gallery:
    """The middle frame of every real video that shows a face; `groups` as identities.group_names gives them."""
    names = group_names(videos)
    crops, points, groups = [], [], []
    for video in videos:
        if video.label != 0:
            continue
        try:
            chunk, row = source.draw(video, lambda count: count // 2)
        except Unreadable:
            continue
        window = cut_window(chunk, row, video)
        if window.frame_mask.any():
            crops.append(window.crops[0])
            points.append(window.points[0])
            groups.append(names[video.video_id])
    return Gallery(np.array(crops), np.array(points), tuple(groups))
