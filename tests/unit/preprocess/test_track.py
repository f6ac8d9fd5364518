"""Following a face gives what searching every frame gives, with a fraction of the searches."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from model_src.data.made_clips import fitted_head
from model_src.preprocess import track
from model_src.preprocess.align import apply, find_transform
from model_src.preprocess.errors import VideoRejected
from model_src.preprocess.faces import Face, Image
from model_src.preprocess.mtcnn import Mtcnn
from model_src.preprocess.tally import Tally
from model_src.preprocess.track import SEARCH_EVERY, FaceTracker, overlap


class Still:
    """What the tracker asks of a picture."""

    def __init__(self, image: Image, factor: float = 1.0) -> None:
        self._image, self._factor = image, factor

    def full(self) -> Image:
        return self._image

    def reduced(self) -> tuple[Image, float]:
        return self._image, self._factor


class Scripted:
    """A detector that knows what each picture holds: pixel (0, 0) tells how many faces."""

    def __init__(self) -> None:
        self.searched: list[int] = []
        self.verified = 0

    def detect(self, image: Image) -> list[Face]:
        count, place = int(image[0, 0, 0]), int(image[0, 0, 1])
        self.searched.append(place)
        box = np.array([10 + place, 10, 60 + place, 60], np.float32)
        return [Face(box + 100 * number, np.zeros((5, 2), np.float32), 0.99) for number in range(count)]

    def verify(self, image: Image, box: np.ndarray) -> list[Face]:
        self.verified += 1
        return [Face(box, np.zeros((5, 2), np.float32), 0.99)] if image[0, 0, 0] else []

    def settle(self, image: Image, face: Face) -> Face:
        return face


def follow(counts: list[int]) -> tuple[list[Any], Scripted]:
    detector = Scripted()
    pictures = [(place, Still(np.full((1, 1, 3), [count, place, 0], np.uint8))) for place, count in enumerate(counts)]
    seen = list(FaceTracker(detector, 0.95).follow(pictures))  # type: ignore[arg-type]
    assert [found.place for found in seen] == list(range(len(counts)))
    return [found.face if isinstance(found.face, str) else "one" for found in seen], detector


def test_a_steady_face_is_searched_for_once_in_a_while() -> None:
    outcomes, detector = follow([1] * 26)
    assert outcomes == ["one"] * 26
    assert detector.searched == list(range(0, 26, SEARCH_EVERY))
    assert detector.verified == 26 - len(detector.searched)


@pytest.mark.parametrize("length", range(1, 14))
def test_every_frame_gets_an_answer_however_many_there_are(length: int) -> None:
    assert follow([1] * length)[0] == ["one"] * length


@pytest.mark.parametrize("first", range(1, 12))
def test_a_second_person_is_noticed_from_his_first_frame(first: int) -> None:
    counts = [1] * first + [2] * 12
    assert follow(counts)[0] == ["one"] * first + ["multiple_faces"] * 12


@pytest.mark.parametrize("first", range(1, 12))
def test_a_face_that_leaves_is_missed_from_the_first_frame_without_it(first: int) -> None:
    counts = [1] * first + [0] * 3 + [1] * 9
    expected = ["one"] * first + ["no_face"] * 3 + ["one"] * 9
    assert follow(counts)[0] == expected


def test_the_sameness_of_a_still_picture_is_used() -> None:
    detector = Scripted()
    still = Still(np.full((1, 1, 3), [1, 0, 0], np.uint8))
    seen = list(FaceTracker(detector, 0.95).follow((place, still) for place in range(50)))  # type: ignore[misc]
    assert [found.place for found in seen] == list(range(50))
    assert detector.searched == [0]
    assert detector.verified == 0


def test_overlap_is_the_shared_part_of_both() -> None:
    box = np.array([0, 0, 10, 10], np.float32)
    assert overlap(box, box) == pytest.approx(1)
    assert overlap(box, box + np.array([5, 0, 5, 0])) == pytest.approx(1 / 3)
    assert overlap(box, box + 20) == 0
    assert overlap(box * 0, box * 0) == 0


def test_on_a_real_talking_head_tracking_equals_searching(monkeypatch: pytest.MonkeyPatch) -> None:
    detector = Mtcnn()

    def pictures() -> Iterator[tuple[int, Any]]:
        yield from ((place, Still(fitted_head(place * 6, (480, 360)))) for place in range(31))

    tracked = list(FaceTracker(detector, 0.95).follow(pictures()))
    monkeypatch.setattr(track, "SEARCH_EVERY", 1)
    searched = list(FaceTracker(detector, 0.95).follow(pictures()))
    distances = []
    for one, other in zip(tracked, searched, strict=True):
        assert isinstance(one.face, Face)
        assert isinstance(other.face, Face)
        transform = find_transform(other.face.points, (360, 480))
        assert transform is not None
        moved = np.abs(apply(transform, one.face.points) - apply(transform, other.face.points))  # in crop pixels
        distances.append(moved.max())
    assert np.median(distances) < 0.7
    assert max(distances) < 2


def test_two_absences_with_a_face_between_them_are_two_spans_and_none_outlasts_the_video() -> None:
    tally = Tally(Fraction(5))
    for number in range(12):
        tally.drop("no_face") if number in (0, 1, 5, 11) else tally.use()
    spans = [(span["start"], span["end"]) for span in tally.excluded(2.3)]
    assert spans == [(0.0, 0.4), (1.0, 1.2), (2.2, 2.3)]


def test_company_in_less_than_half_of_the_frames_with_a_face_is_not_the_reason() -> None:
    tally = Tally(Fraction(5))
    for _ in range(4):
        tally.drop("multiple_faces")
    for _ in range(6):
        tally.use()
    tally.judge(5)
    for _ in range(3):
        tally.drop("multiple_faces")
    with pytest.raises(VideoRejected, match="more than one face"):
        tally.judge(5)


def test_company_is_judged_among_the_frames_with_a_face() -> None:
    tally = Tally(Fraction(5))
    for reason, count in (("no_face", 10), ("multiple_faces", 3)):
        for _ in range(count):
            tally.drop(reason)  # type: ignore[arg-type]
    for _ in range(2):
        tally.use()
    with pytest.raises(VideoRejected, match="more than one face"):
        tally.judge(5)


def test_where_the_picture_is_reduced_the_face_is_verified_in_the_small_picture_and_told_in_the_full_one() -> None:
    """A 1080p frame is searched at half its size."""
    asked: list[float] = []

    class Reduced(Scripted):
        def verify(self, image: Image, box: np.ndarray) -> list[Face]:
            asked.append(float(box[0]))
            return super().verify(image, box)

    pictures = [(place, Still(np.full((1, 1, 3), [1, place, 0], np.uint8), 2.0)) for place in range(6)]
    seen = list(FaceTracker(Reduced(), 0.95).follow(pictures))  # type: ignore[arg-type]
    assert asked == pytest.approx([11, 12, 13, 14])  # between 10 and 15, where the searches found it
    faces = [found.face for found in seen if isinstance(found.face, Face)]
    assert [float(face.box[0]) for face in faces] == pytest.approx([20, 22, 24, 26, 28, 30])


def test_boxes_side_by_side_or_one_above_the_other_share_nothing() -> None:
    box = np.array([0, 0, 10, 20], np.float32)
    assert overlap(box, box + np.array([10, 0, 10, 0])) == 0
    assert overlap(box, box + np.array([0, 20, 0, 20])) == 0
    assert overlap(box, box + np.array([5, 10, 5, 10])) == pytest.approx(50 / 350)
