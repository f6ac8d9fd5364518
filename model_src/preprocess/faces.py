"""What a face is, what finds it, and which frames have exactly one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Image = np.ndarray  # [H, W, 3] uint8 RGB

DropReason = Literal["no_face", "multiple_faces", "low_confidence", "alignment_failed"]
DROP_REASONS: tuple[DropReason, ...] = ("no_face", "multiple_faces", "low_confidence", "alignment_failed")


@dataclass(frozen=True, eq=False)
class Face:
    """One face in the pixels of the picture it was found in."""

    box: NDArray[np.float32]  # [4] x0, y0, x1, y1
    points: NDArray[np.float32]  # [5, 2] left eye, right eye, nose, left and right mouth corner, as seen
    confidence: float

    def scaled(self, factor: float) -> Face:
        return Face(self.box * np.float32(factor), self.points * np.float32(factor), self.confidence)


class FaceDetector(Protocol):
    def detect(self, image: Image) -> list[Face]:
        """Every face that may be one, whatever its confidence."""
        ...

    def verify(self, image: Image, box: NDArray[np.float32]) -> list[Face]:
        """The same, but only near `box`, where a face must be: faster where the detector can."""
        ...

    def settle(self, image: Image, face: Face) -> Face:
        """The same face, its box and points as exact as the detector can tell them."""
        ...


def one_face(faces: list[Face], min_confidence: float) -> Face | DropReason:
    """The only certain face of a frame, or why there is none."""
    certain = [face for face in faces if face.confidence > min_confidence]
    if len(certain) == 1:
        return certain[0]
    if certain:
        return "multiple_faces"
    return "low_confidence" if faces else "no_face"


def make_detector(name: str, weights: str | None = None, sha256: str | None = None) -> FaceDetector:
    """The detector of that name. Raises DetectorUnavailable where its weights are not at hand."""
    if name == "mtcnn":
        from model_src.preprocess.mtcnn import Mtcnn

        return Mtcnn()
    if name == "retinaface":
        from model_src.preprocess.retinaface import RetinaFace

        return RetinaFace(weights, sha256)
    raise ValueError(f"unknown face detector {name!r}: mtcnn and retinaface are known")
