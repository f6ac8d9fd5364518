"""Attacks and accidents: each gets its code and a sentence, quickly, and reaches nothing but its own bytes."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from model_src.data.made_clips import fitted_head
from model_src.preprocess.decode import grid_pictures
from model_src.preprocess.errors import VideoRejected
from model_src.preprocess.limits import Limits
from model_src.preprocess.probe import probe
from model_src.preprocess.scan import scan
from model_src.preprocess.split import split_video
from tests.media import make_clip, portrait, silence, talking_head, tone
from tests.rejections import REJECTION_CODES
from tests.unit.preprocess.boxes import box, fill_moov, overwrite
from tests.unit.preprocess.reading import LIMITS, RATE, opened

# A probe's peak, whatever the file: half of the smallest useful Lambda.
MOST_MEMORY_MB = 512


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("good") / "good.mp4", seconds=1.2, fps=25, audio=tone(1.2))


@pytest.fixture
def copy(good: Path, tmp_path: Path) -> Path:
    path = tmp_path / "copy.mp4"
    path.write_bytes(good.read_bytes())
    return path


def rejection(path: Path | str, limits: Limits = Limits()) -> VideoRejected:  # noqa: B008
    begun = time.monotonic()
    with pytest.raises(VideoRejected) as caught:
        probe(path, limits)
    assert time.monotonic() - begun < 10
    assert caught.value.code in REJECTION_CODES
    assert caught.value.message.endswith("."), "a sentence for a person"
    assert "/" not in caught.value.message.replace("MP4/MOV", ""), "no path in it"
    return caught.value


PROBE_AND_WEIGH = """
import resource, sys
from model_src.preprocess.errors import VideoRejected
from model_src.preprocess.probe import probe
from model_src.preprocess.scan import scan
from model_src.preprocess.split import split_video
try:
    probe(sys.argv[1])
    outcome = "accepted"
except VideoRejected as rejection:
    outcome = rejection.code
print(outcome, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
"""


def outcome_within_memory(path: Path) -> str:
    """Probe from a small process, whose child then is the only large one."""
    command = [sys.executable, "-c", PROBE_AND_WEIGH, str(path)]
    outcome, peak_mb = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.split()
    assert int(peak_mb) < MOST_MEMORY_MB
    return outcome


# --- what is not a video ---------------------------------------------------------------------------------------------

SCRIPTS = {
    "hls playlist": b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{good}\n#EXT-X-ENDLIST\n",
    "concat script": b"ffconcat version 1.0\nfile {good}\n",
    "session description": b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n",
    "dash manifest": b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period/></MPD>',
    "stream playlist": b"[playlist]\nFile1=http://127.0.0.1:9/x\n",
    "web page": b"<!doctype html><html></html>",
    "noise": bytes(np.random.default_rng(3).integers(0, 256, 5000, np.uint8)),
    "zeros": bytes(5000),
    "one byte": b"x",
    "animation with a canvas of 16000 x 16000": b"GIF89a" + struct.pack("<HH", 16_000, 16_000) + b"\xf7" + bytes(900),
    "flash video": b"FLV\x01\x05\x00\x00\x00\x09" + bytes(100),
    "wave sound": b"RIFF" + struct.pack("<I", 36) + b"WAVEfmt " + bytes(100),
    "ogg": b"OggS" + bytes(200),
    "transport stream": (b"\x47\x40\x00\x10" + bytes(184)) * 20,
    "picture in an mp4 box": box(b"ftyp", b"avif\0\0\0\0avifmif1") + bytes(400),
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_what_is_no_video_file_is_refused_whatever_its_name(name: str, good: Path, tmp_path: Path) -> None:
    path = tmp_path / "video.mp4"
    path.write_bytes(SCRIPTS[name].replace(b"{good}", os.fsencode(good)))
    found = rejection(path)
    assert found.code == "unsupported_container"
    assert "MP4" in found.message, "it says what is accepted"


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp"])
def test_a_picture_is_no_video(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / "picture.mp4"
    path.write_bytes(cv2.imencode(f".{suffix}", portrait())[1].tobytes())
    assert rejection(path).code == "unsupported_container"


def test_an_empty_file_and_a_missing_one_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    assert rejection(tmp_path / "empty.mp4").code == "corrupt_video"
    assert rejection(tmp_path / "missing.mp4").code == "corrupt_video"
    assert rejection("no\0name").code == "corrupt_video"


def test_a_pipe_a_socket_a_folder_and_a_device_do_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s.mp4"))
        for path in (tmp_path / "pipe.mp4", tmp_path / "s.mp4", tmp_path, Path("/dev/zero")):
            assert rejection(path).code in ("unsupported_container", "corrupt_video")


def test_a_pipe_that_somebody_writes_to_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    writer = os.open(tmp_path / "pipe.mp4", os.O_RDWR)
    try:
        os.write(writer, b"\0\0\0\x18ftypisom")
        assert rejection(tmp_path / "pipe.mp4").code == "unsupported_container"
    finally:
        os.close(writer)


# --- names -----------------------------------------------------------------------------------------------------------

NAMES = [
    "http:127.0.0.1:9:x.mp4",
    "concat:a.mp4|b.mp4",
    "subfile,,start,0,end,9,,:x.mp4",
    "list.m3u8",
    "seq%03d.png",
    "pipe:0",
    "-i.mp4",
    "space plus+ü 影.mp4",
    "two\nlines.mp4",
    "no ending",
    os.fsdecode(b"not-utf8-\xff\xfe.mp4"),
]


@pytest.mark.parametrize("name", NAMES, ids=[ascii(name) for name in NAMES])
def test_a_name_is_never_taken_for_an_address(
    name: str, good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / name).write_bytes(good.read_bytes())
    assert probe(tmp_path / name).frame_count == 30
    monkeypatch.chdir(tmp_path)
    assert probe(name).frame_count == 30, "relative names too"


# --- lies and bombs --------------------------------------------------------------------------------------------------


def test_a_header_that_claims_another_duration_is_not_believed(copy: Path) -> None:
    timescale = struct.unpack(">I", copy.read_bytes().split(b"mvhd")[1][12:16])[0]
    overwrite(copy, b"mvhd", 16, struct.pack(">I", 40_000 * timescale))
    overwrite(copy, b"mdhd", 16, struct.pack(">I", 0x7FFFFFFF))
    assert probe(copy).duration == pytest.approx(1.2, abs=0.01)


def test_a_download_that_was_cut_is_as_long_as_what_is_there(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "cut.mkv", seconds=6, fps=25)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert 2 < probe(path).duration < 4


def test_an_mp4_without_its_index_is_corrupt(copy: Path) -> None:
    content = copy.read_bytes()
    copy.write_bytes(content[: content.rindex(b"moov") - 4])
    assert rejection(copy).code == "corrupt_video"


@pytest.mark.parametrize(
    ("codec", "suffix", "marker", "offset"), [("mjpeg", "avi", b"\xff\xc0", 3), ("libvpx", "webm", b"\x9d\x01\x2a", 0)]
)
def test_frames_that_announce_an_enormous_size_cost_no_memory(
    codec: str, suffix: str, marker: bytes, offset: int, tmp_path: Path
) -> None:
    pixel_format = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    path = make_clip(tmp_path / f"bomb.{suffix}", seconds=1.2, codec=codec, pixel_format=pixel_format)
    content = bytearray(path.read_bytes())
    place = -1
    while (place := content.find(marker, place + 1)) >= 0:
        begin = place + len(marker) + offset
        content[begin : begin + 4] = b"\x3f\xf0\x3f\xf0"  # 16368 x 16368 in either byte order
    path.write_bytes(content)
    assert outcome_within_memory(path) in ("resolution_out_of_range", "corrupt_video")


@pytest.mark.parametrize("size", [(2560, 1440), (4096, 4096), (16, 16), (1920, 1200)])
def test_a_real_size_out_of_range_is_refused_and_named(size: tuple[int, int], tmp_path: Path) -> None:
    path = make_clip(tmp_path / "sized.mp4", seconds=1.2, fps=5, size=size)
    found = rejection(path)
    assert found.code == "resolution_out_of_range"
    assert f"{size[0]}×{size[1]}" in found.message


def test_a_stream_that_is_larger_than_its_container_says_is_refused(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "liar.mp4", seconds=1.2, fps=5, size=(4096, 4096))
    overwrite(path, b"avc1", 24, struct.pack(">HH", 640, 480), number=-1 + path.read_bytes().count(b"avc1"))
    assert outcome_within_memory(path) in ("resolution_out_of_range", "corrupt_video")


def test_an_index_of_fifty_million_frames_costs_no_memory(copy: Path) -> None:
    overwrite(copy, b"stsz", 4, struct.pack(">II", 100, 50_000_000))
    overwrite(copy, b"stts", 4, struct.pack(">III", 1, 50_000_000, 1))
    assert outcome_within_memory(copy) in REJECTION_CODES


def test_a_fragment_of_fifty_million_frames_costs_no_memory(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "f.mp4", seconds=1.2, container_options={"movflags": "frag_keyframe+empty_moov"})
    overwrite(path, b"trun", 4, struct.pack(">I", 50_000_000))
    assert outcome_within_memory(path) in REJECTION_CODES


@pytest.mark.parametrize("kind", [b"udta", b"free", b"avcC", b"meta"])
def test_endless_metadata_costs_no_memory(kind: bytes, copy: Path) -> None:
    fill_moov(copy, kind, 60 * 1024**2)
    assert outcome_within_memory(copy) in ("accepted", "corrupt_video")


def test_metadata_that_is_not_utf8_is_no_reason_to_refuse(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "tags.mp4", seconds=1.2, metadata_tags={"title": "TITLE", "comment": "C" * 40})
    path.write_bytes(path.read_bytes().replace(b"TITLE", b"\xff\xfe\xed\xa0\x80").replace(b"CCCC", b"\xc3\x28\xa0\xa1"))
    assert probe(path).frame_count == 36


def test_timestamps_from_another_age_are_too_long(tmp_path: Path) -> None:
    times = [Fraction(number, 25) for number in range(30)] + [Fraction(500_000)]
    found = rejection(make_clip(tmp_path / "gap.mkv", timestamps=times, fps=25))
    assert found.code == "too_long"


# --- contents --------------------------------------------------------------------------------------------------------


def only_sound(path: Path) -> Path:
    with av.open(str(path), "w") as output:
        stream = output.add_stream("aac", rate=48_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(silence(2).samples, format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 48_000, 0, Fraction(1, 48_000)
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            output.mux(packet)
    return path


def sound_with_cover(path: Path) -> Path:
    with av.open(str(path), "w") as output:
        sound = output.add_stream("aac", rate=48_000, layout="mono")
        cover = output.add_stream("mjpeg", rate=25)
        cover.width, cover.height, cover.pix_fmt = 640, 480, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        for packet in [*cover.encode(av.VideoFrame.from_ndarray(fitted_head(0, (640, 480)))), *cover.encode(None)]:
            output.mux(packet)
        frame = av.AudioFrame.from_ndarray(silence(2).samples, format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 48_000, 0, Fraction(1, 48_000)
        for packet in [*sound.encode(frame), *sound.encode(None)]:
            output.mux(packet)
    return path


@pytest.mark.parametrize("make", [only_sound, sound_with_cover])
def test_sound_without_a_moving_picture_is_no_video(make: Callable[[Path], Path], tmp_path: Path) -> None:
    assert rejection(make(tmp_path / "song.mp4")).code == "no_video_stream"


@pytest.mark.parametrize(
    ("codec", "suffix"), [("flv1", "avi"), ("msmpeg4v2", "avi"), ("ffv1", "mkv"), ("huffyuv", "avi")]
)
def test_an_odd_codec_is_named_and_refused(codec: str, suffix: str, tmp_path: Path) -> None:
    pixel_format = "yuv422p" if codec == "huffyuv" else "yuv420p"
    path = make_clip(tmp_path / f"odd.{suffix}", seconds=1.2, codec=codec, pixel_format=pixel_format)
    found = rejection(path)
    assert found.code == "unsupported_codec"
    assert codec in found.message
    assert "H.264" in found.message


def test_too_short_too_long_and_too_large_say_what_was_found_and_what_is_allowed(good: Path, tmp_path: Path) -> None:
    short = rejection(make_clip(tmp_path / "short.mp4", seconds=0.5))
    assert (short.code, short.message) == ("too_short", "The video lasts 0.50 s; at least 1 s is needed.")
    long = rejection(make_clip(tmp_path / "long.mp4", seconds=13, fps=5), Limits(max_seconds=10))
    assert (long.code, long.message) == ("too_long", "The video lasts 13 s; at most 10 s is accepted.")
    large = rejection(good, Limits(max_bytes=1000))
    assert large.code == "too_large"


def test_exactly_one_second_is_enough_and_exactly_the_longest_is_accepted(tmp_path: Path) -> None:
    assert probe(make_clip(tmp_path / "one.mp4", seconds=1, fps=30)).duration == 1
    assert probe(make_clip(tmp_path / "ten.mkv", seconds=10, fps=30), Limits(max_seconds=10)).frame_count == 300


def test_a_video_whose_frames_are_noise_is_corrupt(copy: Path) -> None:
    content = bytearray(copy.read_bytes())
    begin = content.index(b"mdat") + 4
    length = struct.unpack_from(">I", content, begin - 8)[0] - 8
    content[begin : begin + length] = np.random.default_rng(1).integers(0, 256, length, np.uint8).tobytes()
    copy.write_bytes(content)
    assert rejection(copy).code == "corrupt_video"


def test_a_video_of_which_only_the_beginning_decodes_is_corrupt(tmp_path: Path) -> None:
    good = talking_head(tmp_path / "good.webm", 6, audio=False, fps=10, codec="libvpx-vp9", options={"g": "5"})
    path = tmp_path / "spoilt.webm"
    with av.open(str(good)) as source, av.open(str(path), "w") as output:
        stream = output.add_stream_from_template(source.streams.video[0])
        for number, packet in enumerate(packet for packet in source.demux(video=0) if packet.size):
            spoilt = av.Packet(bytes(packet) if number < 15 else b"\xff" * packet.size)
            spoilt.pts, spoilt.dts, spoilt.time_base = packet.pts, packet.dts, packet.time_base
            spoilt.stream, spoilt.is_keyframe = stream, packet.is_keyframe
            output.mux(spoilt)
    assert probe(path).frame_count == 60
    with pytest.raises(VideoRejected, match="Only 8 of 30 sampled frames can be decoded") as caught:
        split_video(path, lambda _: None)
    assert caught.value.code == "corrupt_video"


def test_the_first_stream_that_moves_is_taken_and_its_shape_may_not_grow(tmp_path: Path) -> None:
    """A stream may announce a new size half-way; what is decoded stays within the limits."""
    small = make_clip(tmp_path / "small.mkv", seconds=1, fps=25, options={"g": "5"})
    large = make_clip(tmp_path / "large.mkv", seconds=1, fps=25, size=(640, 480), options={"g": "5"})
    path = tmp_path / "both.avi"
    with av.open(str(path), "w") as output, av.open(str(small)) as first, av.open(str(large)) as second:
        stream = output.add_stream_from_template(first.streams.video[0])
        in_band = av.BitStreamFilterContext("h264_mp4toannexb", first.streams.video[0])
        for turn, source in enumerate((first, second)):
            annexb = in_band if turn == 0 else av.BitStreamFilterContext("h264_mp4toannexb", source.streams.video[0])
            for packet in source.demux(video=0):
                for made in annexb.filter(packet if packet.size else None):
                    made.pts = made.dts = (made.pts or 0) + turn * 1000
                    made.stream = stream
                    output.mux(made)
    with opened(path) as descriptor:
        found = scan(descriptor, LIMITS)
        shapes = {picture.full().shape for _, picture in grid_pictures(descriptor, found, RATE, LIMITS)}
    assert shapes == {(240, 320, 3)}
    assert found.duration == pytest.approx(2, abs=0.1)
