"""What people get from Split: complete chunks in order, an honest report, or a sentence that says why not."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from model_src.data.made_clips import fitted_head
from model_src.data.write_film import Image
from model_src.preprocess.align import CANONICAL, apply
from model_src.preprocess.chunk import Chunk
from model_src.preprocess.errors import DetectorUnavailable, VideoRejected
from model_src.preprocess.split import SplitReport, SplitSettings, split_video
from tests.media import make_clip, silence, speech, talking_head

SMALL = (320, 240)


def split(path: Path, **settings: object) -> tuple[list[Chunk], SplitReport]:
    chunks: list[Chunk] = []
    report = split_video(path, chunks.append, SplitSettings(**settings))  # type: ignore[arg-type]
    return chunks, report


@pytest.fixture(scope="module")
def half_a_minute(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Chunk], SplitReport]:
    return split(talking_head(tmp_path_factory.mktemp("split") / "head.mp4", 30, SMALL, fps=10))


def test_thirty_seconds_give_150_frames_and_60_windows(half_a_minute: tuple[list[Chunk], SplitReport]) -> None:
    chunks, report = half_a_minute
    assert (report.frames_sampled, report.frames_analyzed, report.windows, report.chunks) == (150, 150, 60, 2)
    assert report.duration == pytest.approx(30)
    assert (report.width, report.height) == SMALL
    assert report.excluded == []
    assert set(report.dropped.values()) == {0}
    assert json.loads(json.dumps(report.to_dict())) == report.to_dict()
    places = np.concatenate([chunk.frame_ids for chunk in chunks])
    assert sorted(set(places)) == list(range(150))
    assert [chunk.index for chunk in chunks] == [0, 1]
    for chunk in chunks:
        np.testing.assert_allclose(chunk.timestamps, chunk.frame_ids / 5)


def test_every_window_holds_five_frames_half_of_them_shared(half_a_minute: tuple[list[Chunk], SplitReport]) -> None:
    chunks, _ = half_a_minute
    windows = np.concatenate([chunk.window_indices for chunk in chunks])
    assert windows.tolist() == list(range(60))
    for chunk in chunks:
        np.testing.assert_allclose(chunk.window_starts, chunk.window_indices / 2)
        for start, frames, partial in zip(chunk.window_starts, chunk.window_frames, chunk.window_partial, strict=True):
            times = chunk.timestamps[frames[frames >= 0]]
            assert ((times >= start) & (times < start + 1)).all()
            assert len(times) == (5 if not partial else 2)
    assert [bool(partial) for chunk in chunks for partial in chunk.window_partial] == [False] * 59 + [True]


def test_the_sound_of_a_chunk_covers_its_windows(half_a_minute: tuple[list[Chunk], SplitReport]) -> None:
    chunks, report = half_a_minute
    assert [(chunk.start, chunk.end) for chunk in chunks] == [(0, 15.5), (15, 30.5)]
    for chunk in chunks:
        assert len(chunk.audio) == round((chunk.end - chunk.start) * 16_000)
        assert len(chunk.voice) == len(chunk.audio) // 320
        assert chunk.voice.mean() > 0.7
    np.testing.assert_array_equal(chunks[0].audio[-8000:], chunks[1].audio[:8000])
    assert report.has_audio
    assert report.silence_share is not None
    assert report.silence_share < 0.2


def test_the_crops_have_the_eyes_where_the_points_and_transforms_say(
    half_a_minute: tuple[list[Chunk], SplitReport],
) -> None:
    for chunk in half_a_minute[0]:
        assert chunk.frame_size == (240, 320)
        for points, transform, box in zip(chunk.points, chunk.transforms, chunk.boxes, strict=True):
            assert np.abs(apply(transform, points)[:2] - CANONICAL[:2]).max() < 3
            assert (points.mean(0) > box[:2]).all()
            assert (points.mean(0) < box[2:]).all()


class Enough(Exception):
    """The caller has seen what it wanted."""


def test_a_chunk_is_handed_over_while_the_video_is_still_being_read(tmp_path: Path) -> None:
    path = talking_head(tmp_path / "head.mp4", 12, SMALL, fps=10)
    seen: list[int] = []

    def stop_at_the_second(chunk: Chunk) -> None:
        seen.append(chunk.index)
        if chunk.index == 1:
            raise Enough

    with pytest.raises(Enough):
        split_video(path, stop_at_the_second, SplitSettings(windows_per_chunk=4))
    assert seen == [0, 1], "of six"


def test_a_video_without_sound_is_split_all_the_same(tmp_path: Path) -> None:
    chunks, report = split(talking_head(tmp_path / "mute.mp4", 2, SMALL, audio=False, fps=10))
    assert not report.has_audio
    assert (report.silence_share, report.leading_silence) == (None, None)
    assert (len(chunks[0].audio), len(chunks[0].voice)) == (0, 0)
    assert report.frames_analyzed == 10


@pytest.mark.parametrize("late", [0, 1])
def test_how_long_the_sound_runs_before_the_picture_is_told(late: int, tmp_path: Path) -> None:
    times = [Fraction(late) + Fraction(number, 10) for number in range(20)]
    path = make_clip(
        tmp_path / "late.mkv",
        timestamps=times,
        fps=10,
        size=SMALL,
        picture=alone,
        audio=speech(3),
    )
    chunks, report = split(path)
    assert report.picture_starts == pytest.approx(late, abs=0.03)
    assert report.duration == pytest.approx(2)
    assert chunks[0].timestamps[0] == 0  # times count from the first picture


def test_a_silent_track_is_sound_without_speech(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "s.mp4", fps=10, size=SMALL, picture=alone, audio=silence(2))
    _, report = split(path)
    assert (report.has_audio, report.silence_share, report.leading_silence) == (True, 1.0, 2.0)


def test_ten_frames_a_second_for_high_resolution(tmp_path: Path) -> None:
    chunks, report = split(talking_head(tmp_path / "head.mp4", 3, SMALL, fps=20), frame_rate=10)
    assert (report.frames_sampled, report.frame_rate) == (30, 10)
    assert chunks[0].window_frames.shape == (6, 10)


def test_a_sideways_phone_gives_upright_faces(tmp_path: Path) -> None:
    def lying(number: int) -> Image:
        return np.ascontiguousarray(np.rot90(fitted_head(number, (240, 320))))

    path = make_clip(tmp_path / "phone.mp4", fps=10, size=SMALL, picture=lying, rotation=90)
    chunks, report = split(path)
    assert (report.width, report.height, report.frames_analyzed) == (240, 320, 10)
    assert (chunks[0].points[:, 2, 1] > chunks[0].points[:, 0, 1]).all(), "noses are under eyes"


def test_a_picture_that_does_not_move_is_a_video_all_the_same(tmp_path: Path) -> None:
    _, report = split(make_clip(tmp_path / "still.mp4", fps=1, seconds=4, size=SMALL, picture=lambda _: alone(0)))
    assert (report.frames_sampled, report.frames_analyzed) == (20, 20)


def test_optical_flow_comes_with_the_chunk_when_asked(tmp_path: Path) -> None:
    chunks, _ = split(talking_head(tmp_path / "head.mp4", 2, SMALL, fps=10), flow=True)
    flow = chunks[0].flow
    assert flow is not None
    assert flow.shape == (10, 224, 224, 2)
    assert np.abs(flow[0]).max() == 0
    assert np.abs(flow[1:].astype(np.float32)).mean() > 0.01


# --- what cannot be used ---------------------------------------------------------------------------------------------


def nobody(_: int) -> Image:
    return np.full((240, 320, 3), 90, np.uint8)


def alone(number: int) -> Image:
    return fitted_head(number, SMALL)


def in_company(number: int) -> Image:
    one = cv2.resize(fitted_head(number, (320, 240)), (160, 120))
    image = nobody(number).copy()
    image[60:180, :160], image[60:180, 160:] = one, one[:, ::-1]
    return image


def acts(*parts: tuple[float, Callable[[int], Image]]) -> Callable[[int], Image]:
    """Who is in the picture, for how many seconds, at 10 frames a second."""

    def picture(number: int) -> Image:
        left = number / 10
        for seconds, who in parts:
            if left < seconds:
                return who(number)
            left -= seconds
        return parts[-1][1](number)

    return picture


def test_what_is_left_out_is_counted_and_placed_in_time(tmp_path: Path) -> None:
    picture = acts((2, alone), (3, nobody), (2, alone), (1, in_company), (1, alone))
    chunks, report = split(make_clip(tmp_path / "acts.mp4", fps=10, seconds=9, size=SMALL, picture=picture))
    assert report.frames_analyzed == 25
    assert (report.dropped["no_face"], report.dropped["multiple_faces"]) == (15, 5)
    assert report.frames_analyzed + sum(report.dropped.values()) == report.frames_sampled == 45
    assert report.excluded == [
        {"reason": "no_face", "start": 2.0, "end": 5.0},
        {"reason": "multiple_faces", "start": 7.0, "end": 8.0},
    ]
    used = {int(place) for chunk in chunks for place in chunk.frame_ids}
    assert used == {*range(10), *range(25, 35), *range(40, 45)}
    windows = [int(window) for chunk in chunks for window in chunk.window_indices]
    assert windows == [0, 1, 2, 3, 9, 10, 11, 12, 13, 15, 16, 17], "the others show no usable frame"
    assert report.windows == len(windows)
    for chunk in chunks:
        assert (chunk.window_frames.max(1) >= 0).all(), "no window without a frame"


@pytest.mark.parametrize(
    ("picture", "code"),
    [
        (acts((3, nobody)), "no_face"),
        (acts((3, in_company)), "multiple_faces"),
        (acts((0.7, alone), (2.3, in_company)), "multiple_faces"),
        (acts((0.7, alone), (2.3, nobody)), "too_few_usable_frames"),
    ],
)
def test_a_video_with_too_little_to_look_at_is_refused_with_its_reason(
    picture: Callable[[int], Image], code: str, tmp_path: Path
) -> None:
    path = make_clip(tmp_path / "clip.mp4", fps=10, seconds=3, size=SMALL, picture=picture)
    with pytest.raises(VideoRejected) as caught:
        split(path)
    assert caught.value.code == code
    assert "15 sampled frames" in caught.value.message


def test_a_broken_file_is_refused_by_split_alone_too(tmp_path: Path) -> None:
    (tmp_path / "x.mp4").write_bytes(b"\0\0\0\x18ftypisom" + bytes(500))
    with pytest.raises(VideoRejected) as caught:
        split(tmp_path / "x.mp4")
    assert caught.value.code == "corrupt_video"


def test_a_detector_without_its_weights_says_which_file_is_missing(tmp_path: Path) -> None:
    path = talking_head(tmp_path / "head.mp4", 1, SMALL, fps=10)
    with pytest.raises(DetectorUnavailable, match=r"retina\.onnx does not exist"):
        split(path, detector="retinaface", detector_weights=str(tmp_path / "retina.onnx"), detector_sha256="0" * 64)
    with pytest.raises(DetectorUnavailable, match="detector_weights"):
        split(path, detector="retinaface")


@pytest.mark.parametrize("settings", [{"frame_rate": 0}, {"windows_per_chunk": 0}, {"min_confidence": 1.0}])
def test_settings_that_make_no_sense_are_refused_at_once(settings: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="no video can be split"):
        SplitSettings(**settings)  # type: ignore[arg-type]


SPLIT_AND_WEIGH = """
import resource, sys
from model_src.preprocess.split import split_video
split_video(sys.argv[1], lambda chunk: None)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_length_of_the_video(tmp_path: Path) -> None:
    def peak_mb(seconds: int) -> int:
        path = talking_head(tmp_path / f"{seconds}.mp4", seconds, SMALL, fps=5)
        command = [sys.executable, "-c", SPLIT_AND_WEIGH, str(path)]
        return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    assert peak_mb(120) < peak_mb(35) + 20
