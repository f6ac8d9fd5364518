"""Explain gets the very frames that Split saw, and draws on them where the face is."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from model_src.preprocess.align import crop
from model_src.preprocess.chunk import Chunk
from model_src.preprocess.errors import VideoRejected
from model_src.preprocess.frames import MAX_FRAMES, frames_at
from model_src.preprocess.overlay import draw_saliency
from model_src.preprocess.split import split_video
from tests.media import make_clip, read_stamp, talking_head


@pytest.mark.parametrize(
    ("suffix", "codec", "options"),
    [
        ("mp4", "libx264", {"preset": "medium", "g": "20", "bf": "3"}),
        ("mp4", "libx264", {"preset": "medium", "x264-params": "open-gop=1:keyint=20"}),
        ("mkv", "libx265", {"x265-params": "log-level=none:pools=none:keyint=15"}),
        ("webm", "libvpx-vp9", {"g": "20"}),
        ("avi", "mpeg4", {"g": "12", "bf": "2"}),
    ],
)
def test_the_frames_are_pixel_for_pixel_those_that_were_cropped(
    suffix: str, codec: str, options: dict[str, str], tmp_path: Path
) -> None:
    path = talking_head(tmp_path / f"head.{suffix}", 4, (320, 240), False, codec=codec, options=options)
    chunks: list[Chunk] = []
    split_video(path, chunks.append)
    places = [0, 3, 11, 19]
    frames = frames_at(path, [float(chunks[0].timestamps[place]) for place in places])
    for place, frame in zip(places, frames, strict=True):
        assert frame.shape == (240, 320, 3)
        np.testing.assert_array_equal(crop(frame, chunks[0].transforms[place]), chunks[0].crops[place])


def test_frames_come_in_the_order_asked_and_upright(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "clip.mp4", seconds=3, fps=10, size=(426, 240), rotation=180, options={"g": "7"})
    frames = frames_at(path, [2.8, 0.0, 1.4, 1.4])
    assert [read_stamp(np.rot90(frame, 2)) for frame in frames] == [28, 0, 14, 14]


def test_a_file_that_cannot_be_sought_in_gives_the_same_frames(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "clip.mkv", seconds=3, fps=10, options={"g": "7"})
    content = path.read_bytes()
    path.write_bytes(content[: content.rindex(b"\x1c\x53\xbb\x6b")])  # the index of a Matroska file stands last
    assert [read_stamp(frame) for frame in frames_at(path, [0.4, 2.6])] == [4, 26]


@pytest.mark.parametrize("timestamps", [[-0.1], [float("nan")], [float("inf")], [0.0] * (MAX_FRAMES + 1)])
def test_times_that_are_none_are_refused(timestamps: list[float], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"timestamps|at most"):
        frames_at(tmp_path / "any.mp4", timestamps)


def test_no_times_give_no_frames_and_a_broken_file_is_refused(tmp_path: Path) -> None:
    assert frames_at(make_clip(tmp_path / "clip.mp4", seconds=1.2), []) == []
    (tmp_path / "x.mp4").write_bytes(b"nothing")
    with pytest.raises(VideoRejected):
        frames_at(tmp_path / "x.mp4", [0.0])


# --- overlay ---------------------------------------------------------------------------------------------------------

FRAME = np.full((360, 480, 3), (40, 80, 120), np.uint8)
# The crop lies at x 100 .. 324, y 50 .. 274 of the frame.
TRANSFORM = np.array([[1, 0, -100], [0, 1, -50]], np.float32)


def drawn(saliency: np.ndarray) -> np.ndarray:
    image = cv2.imdecode(np.frombuffer(draw_saliency(FRAME, saliency, TRANSFORM), np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def test_heat_appears_on_the_face_and_nowhere_else() -> None:
    saliency = np.zeros((7, 7))
    saliency[1, 5] = 1  # of the crop: right of the middle, near the top
    image = drawn(saliency)
    assert image.shape == FRAME.shape
    changed = np.abs(image.astype(int) - FRAME).sum(2)
    row, column = np.unravel_index(changed.argmax(), changed.shape)
    assert abs(row - (50 + 1.5 * 32)) < 20
    assert abs(column - (100 + 5.5 * 32)) < 20
    assert changed[:45].max() == changed[:, :95].max() == changed[:, 330:].max() == 0
    assert image[row, column, 0] > FRAME[0, 0, 0] + 40, "hot is red"


def test_nothing_salient_leaves_the_frame_as_it_is() -> None:
    np.testing.assert_array_equal(drawn(np.zeros((7, 7))), FRAME)


def test_a_map_that_is_none_is_refused() -> None:
    for saliency in (np.full((7, 7), np.nan), np.zeros(7)):
        with pytest.raises(ValueError, match="needs a frame"):
            draw_saliency(FRAME, saliency, TRANSFORM)
    with pytest.raises(ValueError, match="needs a frame"):
        draw_saliency(FRAME, np.zeros((7, 7)), np.eye(3))
