"""RetinaFace from an ONNX file that the operator provides: the weights are not ours to ship.

Expected is the common export of the PyTorch RetinaFace: one input [1, 3, H, W] (BGR, channel means subtracted) and the
outputs boxes [1, N, 4], scores [1, N, 2] and points [1, N, 10], relative to a fixed lattice of anchors.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model_src.preprocess.boxes import apart
from model_src.preprocess.checksum import sha256
from model_src.preprocess.errors import DetectorUnavailable
from model_src.preprocess.faces import Face, Image
from model_src.preprocess.network import OnnxNetwork

MEANS = np.array([104.0, 117.0, 123.0], np.float32)  # BGR
STRIDES: dict[int, tuple[int, int]] = {8: (16, 32), 16: (64, 128), 32: (256, 512)}  # stride: sides of its two anchors
VARIANCES = (0.1, 0.2)
MIN_SCORE = 0.5
MAX_OVERLAP = 0.4


class RetinaFace:
    def __init__(self, weights: str | None, sha256: str | None) -> None:
        path = _checked(weights, sha256)
        try:
            self._network = OnnxNetwork(path)
        except Exception as error:  # ONNX Runtime has a dozen classes for a file it cannot read
            raise DetectorUnavailable(f"RetinaFace's weights file {path} is no network: {error}") from error
        self._input = self._network.input_names[0]

    def detect(self, image: Image) -> list[Face]:
        height, width = image.shape[:2]
        # Sides are filled up to the largest stride, so that the lattice fits.
        padded = np.zeros((-(-height // 32) * 32, -(-width // 32) * 32, 3), np.float32)
        padded[:height, :width] = image[:, :, ::-1] - MEANS
        outputs = self._network(**{self._input: np.ascontiguousarray(padded.transpose(2, 0, 1))[None]})
        by_width = {output.shape[-1]: output[0] for output in outputs}
        return decode(by_width[4], by_width[2], by_width[10], (padded.shape[0], padded.shape[1]))

    def verify(self, image: Image, box: NDArray[np.float32]) -> list[Face]:  # noqa: ARG002 - it has no closer look
        return self.detect(image)

    def settle(self, image: Image, face: Face) -> Face:  # noqa: ARG002
        return face


def decode(shifts: NDArray, scores: NDArray, places: NDArray, size: tuple[int, int]) -> list[Face]:
    """Faces from the raw outputs [N, 4], [N, 2], [N, 10] for a picture of `size` (height, width)."""
    lattice = anchors(size)  # [N, 4] centre x, y, width, height in pixels
    kept = scores[:, 1] > MIN_SCORE
    lattice, shifts, scores, places = lattice[kept], shifts[kept], scores[kept, 1], places[kept]
    centres = lattice[:, :2] + shifts[:, :2] * VARIANCES[0] * lattice[:, 2:]
    halves = lattice[:, 2:] * np.exp(np.clip(shifts[:, 2:] * VARIANCES[1], -8, 8)) / 2
    boxes = np.concatenate([centres - halves, centres + halves, scores[:, None]], 1).astype(np.float32)
    points = lattice[:, None, :2] + places.reshape(-1, 5, 2) * VARIANCES[0] * lattice[:, None, 2:]  # [N, 5, 2]
    order = apart(boxes, MAX_OVERLAP)
    return [Face(boxes[i, :4], points[i].astype(np.float32), float(boxes[i, 4])) for i in order]


def anchors(size: tuple[int, int]) -> NDArray[np.float32]:
    """The lattice in the order of the network's outputs: by stride, row, column, anchor side."""
    cells = [
        ((column + 0.5) * stride, (row + 0.5) * stride, side, side)
        for stride, sides in STRIDES.items()
        for row, column, side in product(range(-(-size[0] // stride)), range(-(-size[1] // stride)), sides)
    ]
    return np.array(cells, np.float32)


def _checked(weights: str | None, expected: str | None) -> Path:
    if not weights or not expected:
        raise DetectorUnavailable(
            "RetinaFace needs detector_weights (an ONNX file) and detector_sha256 in the settings"
        )
    path = Path(weights)
    if not path.is_file():
        raise DetectorUnavailable(f"RetinaFace's weights file {path} does not exist")
    found = sha256(path)
    if found != expected.lower():
        raise DetectorUnavailable(f"RetinaFace's weights file {path} has SHA-256 {found}, not {expected.lower()}")
    return path
