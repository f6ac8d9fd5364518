"""Bring every face to one place: a 224 x 224 crop in which the eyes always lie at the same pixels.

The five points are laid over a canonical face by the similarity (turn, scale, shift) that fits best; the crop is taken
from the full-resolution frame in one step. Around the face stays a margin, since blending leaves its traces there.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from model_src.preprocess.faces import Image

SIZE = 224
MARGIN = 0.05  # of the crop, on each side of the canonical face: the face fills it from forehead to chin

# The canonical face on a 112 x 112 square: eyes, nose, mouth corners (the template of ArcFace).
_TEMPLATE = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)
CANONICAL: NDArray[np.float64] = (_TEMPLATE / 112 * (1 - 2 * MARGIN) + MARGIN) * SIZE  # [5, 2]

# The eyes are found most reliably and must lie still: they weigh more than nose and mouth.
WEIGHTS = np.array([64.0, 64.0, 1.0, 1.0, 1.0])

# A face seen from the side, or points that are none, do not fit: mean distance to the canonical points, in crop pixels.
MAX_RESIDUAL = 32.0
# Eyes closer than this in the frame give no face to look at.
MIN_EYE_DISTANCE = 8.0
# Most of the crop must lie inside the frame.
MIN_INSIDE = 0.5


def find_transform(points: NDArray, frame_size: tuple[int, ...]) -> NDArray[np.float32] | None:
    """[2, 3] map from the frame to the crop, or None where these five points [5, 2] are no face to align.

    `frame_size` is (height, width).
    """
    points = points.astype(np.float64)
    if not np.isfinite(points).all() or np.linalg.norm(points[1] - points[0]) < MIN_EYE_DISTANCE:
        return None
    transform = fit_similarity(points, CANONICAL, WEIGHTS)
    residual = np.linalg.norm(apply(transform, points) - CANONICAL, axis=1).mean()
    if not np.isfinite(transform).all() or residual > MAX_RESIDUAL or inside_share(transform, frame_size) < MIN_INSIDE:
        return None
    return transform.astype(np.float32)


def fit_similarity(source: NDArray, target: NDArray, weights: NDArray) -> NDArray[np.float64]:
    """The [2, 3] similarity with the least weighted squared distance. With points as complex numbers: z -> a z + b."""
    weights = weights / weights.sum()
    z, w = source @ [1, 1j], target @ [1, 1j]  # [N]
    middle, goal = (weights * z).sum(), (weights * w).sum()
    spread = (weights * np.abs(z - middle) ** 2).sum()
    a = (weights * np.conj(z - middle) * (w - goal)).sum() / max(spread, 1e-12)
    b = goal - a * middle
    return np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]])


def apply(transform: NDArray, points: NDArray) -> NDArray[np.float64]:
    return points @ transform[:, :2].T + transform[:, 2]


def inside_share(transform: NDArray, frame_size: tuple[int, ...]) -> float:
    """Which share of the crop shows the frame and not the black around it, measured on a coarse grid."""
    steps = (np.arange(16) + 0.5) * SIZE / 16
    grid = np.stack(np.meshgrid(steps, steps), -1).reshape(-1, 2)
    places = apply(cv2.invertAffineTransform(transform.astype(np.float64)), grid)
    height, width = frame_size
    inside = (places >= 0).all(1) & (places[:, 0] < width) & (places[:, 1] < height)
    return float(inside.mean())


def crop(image: Image, transform: NDArray[np.float32]) -> Image:
    """[224, 224, 3]: the aligned face, cut from the full frame.

    A face much larger than the crop is first averaged down by a whole number, so that no pixel is passed over.
    """
    scale = float(np.hypot(transform[0, 0], transform[1, 0]))
    factor = int(0.75 / scale)
    matrix = transform.astype(np.float64)
    if factor >= 2:
        image, matrix = _reduced(image, matrix, factor)
    return cv2.warpAffine(image, matrix, (SIZE, SIZE), flags=cv2.INTER_LINEAR)


def _reduced(image: Image, matrix: NDArray[np.float64], factor: int) -> tuple[Image, NDArray[np.float64]]:
    """The region of the crop averaged down by `factor`, and the map from it."""
    corners = np.array([[0, 0], [SIZE, 0], [0, SIZE], [SIZE, SIZE]], float)
    places = apply(cv2.invertAffineTransform(matrix), corners)
    limit = np.array([image.shape[1], image.shape[0]])
    low = np.clip(np.floor(places.min(0)).astype(int) - factor, 0, limit - factor)
    count = np.maximum((np.clip(np.ceil(places.max(0)).astype(int) + factor, 0, limit) - low) // factor, 1)
    region = image[low[1] : low[1] + count[1] * factor, low[0] : low[0] + count[0] * factor]
    reduced = cv2.resize(region, (int(count[0]), int(count[1])), interpolation=cv2.INTER_AREA)
    # Pixel i of the reduced region has its centre at low + factor * i + (factor - 1) / 2 of the frame.
    moved = matrix.copy()
    moved[:, 2] += matrix[:, :2] @ (low + (factor - 1) / 2)
    moved[:, :2] *= factor
    return reduced, moved
