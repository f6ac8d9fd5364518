"""Changes of the picture. Each takes the crops of one window and changes all of them alike."""

from __future__ import annotations

import io

import av
import cv2
import numpy as np
from numpy.typing import NDArray

Crops = NDArray[np.uint8]  # [T, H, W, 3] RGB


def colour(crops: Crops, generator: np.random.Generator) -> Crops:
    """Brightness, contrast, and a cast."""
    gain = generator.uniform(0.8, 1.2) * generator.uniform(0.95, 1.05, 3)
    shift = generator.uniform(-20, 20)
    return np.clip(crops * gain + shift, 0, 255).astype(np.uint8)


def jpeg(crops: Crops, generator: np.random.Generator) -> Crops:
    return compressed(crops, int(generator.integers(40, 96)))


def compressed(crops: Crops, quality: int) -> Crops:
    """OpenCV takes RGB for BGR both ways, which would compress the wrong colours: so they are turned round."""
    wanted = [cv2.IMWRITE_JPEG_QUALITY, quality]
    changed = np.empty_like(crops)
    for crop, target in zip(crops, changed, strict=True):
        stored = cv2.imencode(".jpg", crop[..., ::-1], wanted)[1]
        target[:] = np.asarray(cv2.imdecode(stored, cv2.IMREAD_COLOR))[..., ::-1]
    return changed


def h264(crops: Crops, generator: np.random.Generator) -> Crops:
    """Through a video encoder and back, as one short film."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as output:
        stream = output.add_stream("libx264", rate=5, options={"crf": str(generator.integers(20, 38)), "bf": "0"})
        stream.height, stream.width, stream.pix_fmt = crops.shape[1], crops.shape[2], "yuv420p"
        for crop in crops:
            output.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(crop), format="rgb24")))
        output.mux(stream.encode(None))
    file.seek(0)
    with av.open(file, "r") as source:
        return np.stack([np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in source.decode(video=0)])


def blur(crops: Crops, generator: np.random.Generator) -> Crops:
    return blurred(crops, generator.uniform(0.4, 1.6))


def blurred(crops: Crops, sigma: float) -> Crops:
    return np.stack([cv2.GaussianBlur(crop, (0, 0), sigma).astype(np.uint8) for crop in crops])


def downscale(crops: Crops, generator: np.random.Generator) -> Crops:
    return downscaled(crops, generator.uniform(0.4, 0.9))


def downscaled(crops: Crops, share: float) -> Crops:
    """To a smaller picture and back."""
    height, width = crops.shape[1:3]
    small = (max(8, round(width * share)), max(8, round(height * share)))
    shrunk = (cv2.resize(crop, small, interpolation=cv2.INTER_AREA) for crop in crops)
    return np.stack([cv2.resize(s, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.uint8) for s in shrunk])
