"""Whatever the codec, the container and the clock: the right frames at the right times, and the right facts."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from model_src.preprocess.decode import grid_pictures
from model_src.preprocess.scan import scan
from model_src.preprocess.windows import first_frame, is_partial, window_count, window_size
from tests.media import make_clip, read_stamp, tone
from tests.unit.preprocess.reading import LIMITS, RATE, expected_on_grid, look, numbers_on_grid, opened, scanned

MILLISECOND = Fraction(1, 1000)
EXACT = Fraction(1, 90_000)

# encoder, name in the answer, suffixes of the containers that take it
STORED_AS = {
    "libx264": ("H.264", ("mp4", "mov", "mkv", "avi")),
    "libx265": ("H.265", ("mp4", "mov", "mkv")),
    "libvpx-vp9": ("VP9", ("webm", "mkv", "mp4")),
    "libsvtav1": ("AV1", ("mp4", "webm")),
    "mpeg4": ("MPEG-4", ("mp4", "avi", "mkv")),
}
RATES = {
    "23.976": Fraction(24000, 1001),
    "25": Fraction(25),
    "29.97": Fraction(30000, 1001),
    "30": Fraction(30),
    "50": Fraction(50),
    "60": Fraction(60),
}
SOUND_OF = {"webm": "libopus", "avi": "pcm_s16le"}
FAMILY = {"mp4": "MP4/MOV", "mov": "MP4/MOV", "mkv": "Matroska/WebM", "webm": "Matroska/WebM", "avi": "AVI"}
PAIRS = [(encoder, suffix) for encoder, (_, suffixes) in STORED_AS.items() for suffix in suffixes]


def tick_of(suffix: str) -> Fraction:
    return MILLISECOND if suffix in ("mkv", "webm") else EXACT


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_every_grid_time_shows_the_frame_a_player_shows(pair: tuple[str, str], rate: str, tmp_path: Path) -> None:
    encoder, suffix = pair
    fps = RATES[rate]
    count = round(Fraction(12, 10) * fps)
    with_sound = (PAIRS.index(pair) + list(RATES).index(rate)) % 2 == 0
    sound = tone(1.2, codec=SOUND_OF.get(suffix, "aac")) if with_sound else None
    path = make_clip(tmp_path / f"clip.{suffix}", fps=fps, seconds=1.2, codec=encoder, audio=sound)
    info = look(path)
    assert (info.codec, info.container) == (STORED_AS[encoder][0], FAMILY[suffix])
    assert (info.width, info.height, info.rotation) == (320, 240, 0)
    assert (info.frame_count, info.has_audio) == (count, with_sound)
    assert info.frame_rate == pytest.approx(float(fps), rel=0.02)
    assert info.duration == pytest.approx(float(count / fps), abs=0.003)
    assert not info.variable_frame_rate
    times = [Fraction(number) / fps for number in range(count)]
    assert numbers_on_grid(path) == expected_on_grid(times, count / fps, tick_of(suffix))


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv"])
def test_a_variable_frame_rate_shows_each_frame_until_the_next_one_comes(suffix: str, tmp_path: Path) -> None:
    # A phone in changing light, and half a second in which nothing new was recorded.
    gaps = [3000, 3600, 1500, 9000, 2700, 45_000, 3000, 3003, 6006, 18_000, 1800, 3000, 4500, 3000, 12_000]
    times = [Fraction(sum(gaps[:number]), 90_000) for number in range(len(gaps))]
    path = make_clip(tmp_path / f"clip.{suffix}", timestamps=times, fps=30)
    info = look(path)
    assert info.variable_frame_rate
    assert info.frame_count == len(times)
    shown = numbers_on_grid(path)
    assert shown == expected_on_grid(times, Fraction(str(info.duration)).limit_denominator(90_000), tick_of(suffix))
    assert len(set(shown)) < len(shown), "the long pause holds one frame over several grid times"


@pytest.mark.parametrize(
    ("encoder", "suffix", "pixel_format"),
    [
        ("libx264", "mp4", "yuv420p10le"),
        ("libx264", "mkv", "yuv444p"),
        ("libx265", "mp4", "yuv420p10le"),
        ("libx265", "mov", "yuv422p10le"),
        ("libsvtav1", "mp4", "yuv420p10le"),
        ("prores_ks", "mov", "yuv422p10le"),
        ("mjpeg", "avi", "yuvj420p"),
    ],
)
def test_other_colour_formats_show_the_same_frames(
    encoder: str, suffix: str, pixel_format: str, tmp_path: Path
) -> None:
    path = make_clip(tmp_path / f"clip.{suffix}", fps=25, codec=encoder, pixel_format=pixel_format, seconds=1.2)
    assert look(path).pixel_format == pixel_format
    assert numbers_on_grid(path) == [0, 5, 10, 15, 20, 25]


@pytest.mark.parametrize(
    ("size", "encoder", "pixel_format"),
    [
        ((320, 240), "libx264", "yuv420p"),
        ((426, 240), "libx264", "yuv420p"),
        ((322, 246), "libx264", "yuv420p"),
        ((351, 289), "libx264", "yuv444p"),
        ((351, 289), "libvpx-vp9", "yuv420p"),
        ((640, 360), "libx264", "yuv420p"),
        ((854, 480), "libx264", "yuv420p"),
        ((1280, 720), "libx264", "yuv420p"),
        ((1920, 1080), "libx264", "yuv420p"),
        ((1080, 1920), "libx265", "yuv420p"),
    ],
)
def test_every_size_from_240p_to_1080p_is_read_at_its_full_size(
    size: tuple[int, int], encoder: str, pixel_format: str, tmp_path: Path
) -> None:
    path = make_clip(tmp_path / "clip.mkv", fps=10, size=size, codec=encoder, pixel_format=pixel_format, seconds=1.2)
    info = look(path)
    assert (info.width, info.height) == size
    assert numbers_on_grid(path) == [0, 2, 4, 6, 8, 10]


@pytest.mark.parametrize("suffix", ["mp4", "mov"])
@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_a_turned_phone_gives_upright_frames(rotation: int, suffix: str, tmp_path: Path) -> None:
    path = make_clip(tmp_path / f"clip.{suffix}", size=(426, 240), seconds=1.2, rotation=rotation)
    info = look(path)
    assert info.rotation == rotation
    assert (info.width, info.height) == ((240, 426) if rotation in (90, 270) else (426, 240))
    with opened(path) as descriptor:
        found = scan(descriptor, LIMITS)
        picture = next(picture for place, picture in grid_pictures(descriptor, found, RATE, LIMITS) if place == 3)
        upright, reduced = picture.full(), picture.reduced()[0]
    assert upright.shape == (info.height, info.width, 3)
    assert reduced.shape[:2] == upright.shape[:2], "a small frame is not reduced"
    # A player turns the stored frame clockwise; turned back, it shows its number.
    assert read_stamp(np.rot90(upright, rotation // 90)) == 18


LAYOUTS = {
    "moov at the end": {},
    "moov at the start": {"movflags": "faststart"},
    "fragmented": {"movflags": "frag_keyframe+empty_moov"},
    "fragmented by time": {"movflags": "empty_moov+default_base_moof", "frag_duration": "200000"},
    "without edit list": {"use_editlist": "0"},
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("frames", ["plain", "reordered"])
def test_every_layout_of_an_mp4_shows_the_same_frames(layout: str, frames: str, tmp_path: Path) -> None:
    options = {"preset": "medium", "g": "12"} if frames == "reordered" else {}
    sound = tone(2, offset=1024 / 48_000)  # AAC's lead-in ends where the pictures begin
    path = make_clip(
        tmp_path / "clip.mp4", fps=25, seconds=2, options=options, container_options=LAYOUTS[layout], audio=sound
    )
    assert look(path).duration == pytest.approx(2, abs=0.001)
    assert numbers_on_grid(path) == list(range(0, 50, 5))


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv", "webm"])
def test_a_late_start_time_does_not_shift_the_grid(suffix: str, tmp_path: Path) -> None:
    encoder = "libvpx-vp9" if suffix == "webm" else "libx264"
    times = [Fraction(7) + Fraction(number, 25) for number in range(40)]
    path = make_clip(tmp_path / f"clip.{suffix}", fps=25, timestamps=times, codec=encoder)
    assert numbers_on_grid(path) == list(range(0, 40, 5))


def test_frames_before_the_edit_list_are_not_shown(tmp_path: Path) -> None:
    """A trimmed phone video keeps the frames before the cut; no player shows them, and nor do we."""
    times = [Fraction(number - 10, 25) for number in range(60)]
    path = make_clip(
        tmp_path / "clip.mp4", fps=25, timestamps=times, container_options={"avoid_negative_ts": "disabled"}
    )
    info = look(path)
    assert info.frame_count == 50
    assert numbers_on_grid(path) == list(range(10, 60, 5))


@pytest.mark.parametrize(("rate", "count"), [(5, 150), (10, 300)])
def test_thirty_seconds_give_a_frame_for_every_step_and_sixty_windows(rate: int, count: int, tmp_path: Path) -> None:
    path = make_clip(tmp_path / "clip.mp4", seconds=30, fps=30)
    shown = numbers_on_grid(path, Fraction(rate))
    assert shown == [number * 30 // rate for number in range(count)]
    duration = scanned(path).duration
    assert window_count(duration) == 60
    starts = [first_frame(window, Fraction(rate)) for window in range(60)]
    assert window_size(Fraction(rate)) == rate
    for window, begin in enumerate(starts):
        places = [begin, begin + rate - 1]
        assert all(window / 2 <= place / rate < window / 2 + 1 for place in places)
    assert [is_partial(window, duration) for window in (0, 58, 59)] == [False, False, True]
