"""Pictures and recordings are training material too: a folder of faces, clips and speech is read as it was gathered."""

from __future__ import annotations

import csv
import shutil
import wave
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from model_src.data.dataset import WindowDataset
from model_src.data.extract import EXTRACT_SETTINGS, extract_all
from model_src.data.find import load_videos
from model_src.data.identities import refuse_leaks
from model_src.data.source import Preextracted
from model_src.data.store import Store
from model_src.data.video import Video
from model_src.preprocess.errors import VideoRejected
from model_src.preprocess.split import split_video
from tests.media import talking_head
from tests.unit.data.faces import face_window


def write(path: Path, rows: list[dict[str, str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)


def write_old_film(clip: Path, film: Path) -> None:
    """As MPEG-1 with its sound, the way studio corpora are handed out."""
    film.parent.mkdir(parents=True)
    with av.open(str(clip)) as source, av.open(str(film), "w", format="mpeg") as target:
        picture = target.add_stream(
            "mpeg1video", rate=25
        )  # whatever the clip's was: it plays a little slower or faster
        shown = 0
        picture.width, picture.height = source.streams.video[0].width, source.streams.video[0].height
        picture.pix_fmt, picture.bit_rate = "yuv420p", 4_000_000
        sound = target.add_stream("mp2", rate=44_100, layout="mono")
        resampler = av.AudioResampler("s16", "mono", 44_100, frame_size=1152)
        for frame in source.decode(video=0, audio=0):
            if isinstance(frame, av.VideoFrame):
                still = frame.reformat(format="yuv420p")
                still.pts, still.time_base, shown = shown, Fraction(1, 25), shown + 1
                target.mux(picture.encode(still))
            elif isinstance(frame, av.AudioFrame):
                for piece in resampler.resample(frame):
                    target.mux(sound.encode(piece))
        for stream in (picture, sound):
            target.mux(stream.encode(None))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("gathered")
    write(root / "faces/manifest.csv", [{"path": "faces/anna.jpg"}, {"path": "faces/wall.jpg"}])
    write(
        root / "clips/manifest.csv",
        [
            {"path": "clips/train/real/talk.mpg", "label": "0", "role": "train", "method": "GRID corpus"},
            {"path": "clips/dev/fake/head.mp4", "label": "1", "role": "dev", "method": "EDTalk + face SR"},
        ],
    )
    pair = {"driver": "d00", "pair": "p"}
    write(
        root / "clips/dev-pairs/manifest.csv",
        [
            {"path": "clips/dev-pairs/real/a.mp4", "label": "0", "method": "driver half"} | pair,
            {"path": "clips/dev-pairs/fake/a.mp4", "label": "1", "method": "face swap"} | pair,
        ],
    )
    cv2.imwrite(str(root / "faces/anna.jpg"), face_window().crops[0][..., ::-1])
    cv2.imwrite(str(root / "faces/wall.jpg"), np.full((200, 200, 3), 128, np.uint8))
    write_old_film(talking_head(root / "head.mp4", 2.0), root / "clips/train/real/talk.mpg")
    speech = root / "speech/train/12_34_0001.wav"
    speech.parent.mkdir(parents=True)
    with wave.open(str(speech), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes((8000 * np.sin(np.arange(8000 * 3) / 5)).astype(np.int16).tobytes())
    shutil.copy(speech, speech.with_suffix(".flac"))  # told by its content, not by its name
    return root


@pytest.fixture(scope="module")
def extracted(root: Path) -> tuple[Store, dict[str, Video]]:
    videos = [video for video in load_videos(root) if video.split == "train"]
    store = Store(root / "store")
    for _ in extract_all(videos, store, EXTRACT_SETTINGS):
        pass
    return store, {video.source: video for video in videos if "wall" not in video.video_id}


def test_every_kind_of_material_has_its_part(root: Path) -> None:
    videos = load_videos(root)
    assert {(video.source, video.split, video.label) for video in videos} == {
        ("faces", "train", 0),
        ("grid", "train", 0),
        ("edtalk", "test", 1),
        ("dev-pairs", "val", 0),
        ("dev-pairs", "val", 1),
        ("speech", "train", 0),
    }
    halves = [video for video in videos if video.source == "dev-pairs"]
    assert halves[0].people == halves[1].people == ("driver-d00",)
    assert [video.people for video in videos if video.source == "speech"] == [("speaker-12",)]
    refuse_leaks(videos)


def test_a_picture_is_one_window_of_one_frame(extracted: tuple[Store, dict[str, Video]]) -> None:
    store, videos = extracted
    dataset = WindowDataset([videos["faces"]], Preextracted(store), windows_per_video=5)
    assert len(dataset) == 1  # however many are asked for
    sample = dataset[(0, 0)][0]
    assert sample.frame_mask.tolist() == [True]
    assert sample.length == 0


def test_a_picture_without_a_face_is_left_out_and_counted(root: Path, extracted: object) -> None:
    record = Store(root / "store").record("faces_wall")
    assert record is not None
    assert record.rejected == "no_face"


def test_a_recording_has_sound_and_no_frame(extracted: tuple[Store, dict[str, Video]]) -> None:
    store, videos = extracted
    dataset = WindowDataset([videos["speech"]], Preextracted(store), windows_per_video=50, frames=1)
    assert len(dataset) == 5  # three seconds, two windows a second, none that the recording does not fill
    sample = dataset[(0, 0)][0]
    assert sample.length == 16_000
    assert not sample.frame_mask.any()
    crossings = (np.diff(np.sign(sample.pcm.astype(float))) != 0).sum()
    assert crossings == pytest.approx(8000 / 5 / np.pi, rel=0.02)  # the tone that was written at 8 kHz


def test_an_old_film_is_read_for_training_and_refused_for_a_verdict(
    root: Path, extracted: tuple[Store, dict[str, Video]]
) -> None:
    store, videos = extracted
    record = store.record(videos["grid"].video_id)
    assert record is not None
    assert record.windows >= 3
    sample = WindowDataset([videos["grid"]], Preextracted(store), sampling="uniform")[(0, 0)][0]
    assert sample.frame_mask.all()
    assert sample.length == 16_000
    assert np.abs(sample.pcm).max() > 1000
    with pytest.raises(VideoRejected, match="container"):
        split_video(videos["grid"].path, lambda _: None, EXTRACT_SETTINGS)


def test_a_film_cut_short_is_left_out_with_a_reason(tmp_path: Path) -> None:
    film = tmp_path / "broken.mpg"
    film.write_bytes(b"\0\0\1\xba" + b"x" * 500)
    video = Video(video_id="broken", label=0, split="train", path=film)
    assert [dict(tally.rejected) for tally in extract_all([video], Store(tmp_path / "store"))] == [{"corrupt_video": 1}]


def test_one_frame_of_a_window_can_be_learnt_as_a_picture(extracted: tuple[Store, dict[str, Video]]) -> None:
    store, videos = extracted
    source = Preextracted(store)
    whole, one = (WindowDataset([videos["grid"]], source, frames=frames)[(3, 0)][0] for frames in (None, 1))
    assert (whole.crops.shape[0], one.crops.shape[0]) == (5, 1)
    assert (one.crops[0] == whole.crops).all(axis=(1, 2, 3)).any()
    assert one.frame_mask.all()
