"""RetinaFace: its outputs are read right, and its weights are the ones that were named or nothing."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from model_src.preprocess.errors import DetectorUnavailable
from model_src.preprocess.faces import make_detector
from model_src.preprocess.retinaface import VARIANCES, anchors, decode

SIZE = (256, 320)


def outputs_for(
    box: tuple[float, float, float, float], points: np.ndarray, score: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What the network would say about one face: the inverse of decoding, at the three nearest anchors."""
    lattice = anchors(SIZE)
    centre, sides = np.array([box[0] + box[2], box[1] + box[3]]) / 2, np.array([box[2] - box[0], box[3] - box[1]])
    shifts, places = np.zeros((len(lattice), 4)), np.zeros((len(lattice), 10))
    scores = np.tile([0.99, 0.01], (len(lattice), 1))
    nearest = np.argsort(np.linalg.norm(lattice[:, :2] - centre, axis=1) + np.abs(lattice[:, 2] - sides[0]))[:3]
    for anchor in nearest:
        middle, side = lattice[anchor, :2], lattice[anchor, 2:]
        shifts[anchor] = [*((centre - middle) / side / VARIANCES[0]), *(np.log(sides / side) / VARIANCES[1])]
        places[anchor] = ((points - middle) / side / VARIANCES[0]).reshape(-1)
        scores[anchor] = [1 - score, score]
        score -= 0.01
    return shifts, scores, places


def test_a_face_comes_out_where_it_was_and_only_once() -> None:
    box = (100.0, 60.0, 170.0, 150.0)
    points = np.array([[120, 90], [150, 91], [135, 110], [123, 130], [147, 131]], float)
    (face,) = decode(*outputs_for(box, points, 0.97), SIZE)
    assert np.abs(face.box - box).max() < 0.01
    assert np.abs(face.points - points).max() < 0.01
    assert face.confidence == pytest.approx(0.97)


def test_the_lattice_has_two_anchors_for_every_cell_of_three_strides() -> None:
    lattice = anchors(SIZE)
    assert len(lattice) == 2 * (32 * 40 + 16 * 20 + 8 * 10)
    assert lattice[0].tolist() == [4, 4, 16, 16]
    assert lattice[1].tolist() == [4, 4, 32, 32]
    assert lattice[2].tolist() == [12, 4, 16, 16], "columns run faster than rows"
    assert lattice[-1].tolist() == [304, 240, 512, 512]


def test_other_weights_than_the_named_ones_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "retina.onnx"
    path.write_bytes(b"other weights")
    found = hashlib.sha256(b"other weights").hexdigest()
    with pytest.raises(DetectorUnavailable, match=f"has SHA-256 {found}, not {'0' * 64}"):
        make_detector("retinaface", str(path), "0" * 64)
    with pytest.raises(DetectorUnavailable, match="detector_sha256"):
        make_detector("retinaface", str(path))
    with pytest.raises(DetectorUnavailable, match="is no network"):
        make_detector("retinaface", str(path), found)
    with pytest.raises(ValueError, match="unknown face detector"):
        make_detector("haar")
