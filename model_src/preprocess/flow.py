"""Optical flow between neighbouring aligned crops: how the face moves once its position and size are taken out."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

PARAMETERS = {"pyr_scale": 0.5, "levels": 3, "winsize": 15, "iterations": 3, "poly_n": 5, "poly_sigma": 1.2, "flags": 0}


def flow_between(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> NDArray[np.float16]:
    """Farnebäck's flow of two crops [H, W, 3] -> [H, W, 2]: pixels to the right and down."""
    grey = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in (before, after)]
    return cv2.calcOpticalFlowFarneback(*grey, None, **PARAMETERS).astype(np.float16)  # type: ignore[call-overload]


def flow_of(crops: NDArray[np.uint8], frame_ids: NDArray[np.int32]) -> NDArray[np.float16]:
    """[F, H, W, 2]: from the frame before to each frame; zero where the frame before was not usable."""
    flow = np.zeros((*crops.shape[:3], 2), np.float16)
    for place in range(1, len(crops)):
        if frame_ids[place] == frame_ids[place - 1] + 1:
            flow[place] = flow_between(crops[place - 1], crops[place])
    return flow
