"""Where a face, its mouth and its eyes are, from the five points that detection gives.

A face is drawn once, in a frame of its own (between the eyes is the origin, from eye to eye is 1); the five points of a
frame say how that drawing lies in the crop.
"""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Region = Literal["face", "mouth", "eyes"]
Mask = NDArray[np.float32]  # [H, W] in 0..1

POINTS = np.array([[-0.5, 0], [0.5, 0], [0, 0.6], [-0.42, 1.1], [0.42, 1.1]])  # eyes, nose, mouth corners
RIGHT_HALF = [(0, -0.85), (0.45, -0.78), (0.85, -0.5), (1.0, 0.05), (0.95, 0.65), (0.75, 1.25), (0.35, 1.75), (0, 1.85)]
CIRCLE = np.linspace(0, 2 * np.pi, 24, endpoint=False)
OUTLINES: dict[Region, NDArray[np.float64]] = {
    "face": np.array(RIGHT_HALF + [(-x, y) for x, y in RIGHT_HALF[-2:0:-1]]),
    "mouth": np.stack([0.68 * np.cos(CIRCLE), 1.12 + 0.42 * np.sin(CIRCLE)], axis=1),
    "eyes": np.stack([0.92 * np.cos(CIRCLE), -0.02 + 0.36 * np.sin(CIRCLE)], axis=1),
}


def placed(
    points: NDArray[np.float32], region: Region, wobble: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """The outline [P, 2] of a region in the crop whose five points [5, 2] are given.

    `wobble` [P] moves every corner outwards or inwards by that share, the same in all frames of a window.
    """
    outline = OUTLINES[region]
    if wobble is not None:
        outline = grown(outline, 1 + wobble[:, None])
    onto = affine(POINTS, points)  # [2, 3]
    return outline @ onto[:, :2].T + onto[:, 2]


def affine(source: NDArray, target: NDArray) -> NDArray[np.float64]:
    """[2, 3]: the map that brings points [N, 2] closest to their targets [N, 2]."""
    known = np.concatenate([source, np.ones((len(source), 1))], axis=1)  # [N, 3]
    solution, *_ = np.linalg.lstsq(known, target.astype(np.float64), rcond=None)  # [3, 2]
    return solution.T


def laid_over(crop: NDArray[np.uint8], onto: NDArray[np.float64]) -> NDArray[np.uint8]:
    """The crop [H, W, 3] moved by a map [2, 3]; what lies beyond its border is its mirror image."""
    size = crop.shape[1::-1]
    return cv2.warpAffine(crop, onto, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT).astype(np.uint8)


def grown(outline: NDArray[np.float64], by: float | NDArray[np.float64]) -> NDArray[np.float64]:
    """The outline larger or smaller around its middle: as a whole, along each axis [2], or corner by corner [P, 1]."""
    centre = outline.mean(axis=0)
    return centre + (outline - centre) * by


def filled(outline: NDArray[np.float64], shape: tuple[int, int]) -> Mask:
    """1 inside, 0 outside."""
    mask = np.zeros(shape, np.float32)
    cv2.fillPoly(mask, [np.round(outline).astype(np.int32)], 1.0)
    return mask


def draw(outline: NDArray[np.float64], shape: tuple[int, int], softness: float) -> Mask:
    """1 inside, 0 outside, and between them a slope about `softness` pixels wide that lies inside the outline."""
    mask = filled(outline, shape)
    size = 2 * round(softness) + 1
    smaller = cv2.erode(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)), borderValue=0)
    return cv2.GaussianBlur(smaller, (size, size), softness / 3).astype(np.float32)


def smooth_circle(generator: np.random.Generator, corners: int) -> NDArray[np.float64]:
    """A gentle, closed wobble of up to about 12 %."""
    angle = np.arange(corners) * 2 * np.pi / corners
    waves = range(1, 4)
    return sum(
        (generator.normal(0, 0.05 / n) * np.cos(n * angle + generator.uniform(0, 2 * np.pi)) for n in waves),
        np.zeros(corners),
    )
