"""What speaks for fake, drawn onto the original frame."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from model_src.preprocess.align import SIZE

OPACITY = 0.55  # of the hottest place; cold places leave the frame as it is


def draw_saliency(frame: NDArray[np.uint8], saliency: NDArray, transform: NDArray) -> bytes:
    """A PNG of the frame's size. `frame` [H, W, 3] RGB, `saliency` [h, w] in 0..1 over the crop, `transform` [2, 3]."""
    grid = np.asarray(saliency, np.float32)
    if frame.ndim != 3 or grid.ndim != 2 or np.shape(transform) != (2, 3) or not np.isfinite(grid).all():
        raise ValueError("needs a frame [H, W, 3], a finite saliency [h, w] and a transform [2, 3]")
    heat = cv2.resize(np.clip(grid, 0, 1), (SIZE, SIZE), interpolation=cv2.INTER_CUBIC)
    height, width = frame.shape[:2]
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    # [H, W], zero outside the crop
    placed = cv2.warpAffine(np.clip(heat, 0, 1), np.asarray(transform, np.float64), (width, height), flags=flags)
    colours = cv2.applyColorMap((placed * 255).astype(np.uint8), cv2.COLORMAP_JET)  # BGR
    strength = (placed * OPACITY)[..., None]  # [H, W, 1]
    bgr = cv2.cvtColor(frame, cv2.COLOR_RGB2BGR)
    blended = (bgr * (1 - strength) + colours * strength).round().astype(np.uint8)
    written, encoded = cv2.imencode(".png", blended, [cv2.IMWRITE_PNG_COMPRESSION, 3])
    if not written:
        raise RuntimeError("OpenCV could not encode the overlay as PNG")
    return encoded.tobytes()
