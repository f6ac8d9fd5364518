"""Faces of the training people, one picture each, to put on somebody else's head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from model_src.data.identities import group_names
from model_src.data.sample import cut_window
from model_src.data.source import Source, Unreadable
from model_src.data.video import Video

CANDIDATES = 96  # faces drawn, of which the most alike is taken
LOOK = 8  # cells along each side of a glance at a face


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

    @cached_property
    def looks(self) -> NDArray[np.float32]:
        """[G, 192]"""
        return np.stack([glance(crop) for crop in self.crops])

    def resembling(self, head: Face, group: str, generator: np.random.Generator) -> Face | None:
        """Of some faces drawn at random, somebody else's that is turned and lit alike; None where there is nobody else.

        Who forges with care chooses so: a bearded face in another light on a girl's head teaches nothing.
        """
        drawn = generator.integers(len(self.crops), size=CANDIDATES)
        others = [place for place in drawn if self.groups[place] != group]
        if not others:
            return None
        turned = np.abs(self.points[others] - head.points).sum(axis=(1, 2))  # [others]
        lit = np.abs(self.looks[others] - glance(head.crop)).sum(axis=1)  # [others]
        unlike = turned / (np.median(turned) + 1e-6) + lit / (np.median(lit) + 1e-6)
        best = others[int(unlike.argmin())]
        return Face(self.crops[best], self.points[best])


def glance(crop: NDArray[np.uint8]) -> NDArray[np.float32]:
    """[192]: what is left of the middle of a crop when one half closes the eyes, in Lab."""
    edge = len(crop) // 6
    middle = cv2.resize(crop[edge:-edge, edge:-edge], (LOOK, LOOK), interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(middle, cv2.COLOR_RGB2LAB).astype(np.float32).ravel()


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
