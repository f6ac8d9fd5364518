"""Extraction: what is on disk can be trusted, an interruption costs one video, and a bad video costs nobody else."""

from __future__ import annotations

import errno
import json
import os
import struct
import subprocess
import sys
import time
import zlib
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from infra.cli import app
from model_src.data.dataset import WindowDataset
from model_src.data.extract import EXTRACT_SETTINGS, Tally, extract_all, usable
from model_src.data.extracted import NotExtracted
from model_src.data.made_clips import make_dataset
from model_src.data.manifest import scan_tree
from model_src.data.source import OnTheFly, Preextracted
from model_src.data.store import Look, Record, Store
from model_src.data.video import Video
from model_src.evaluation.score import each_chunk, score_videos
from model_src.preprocess.checksum import sha256
from model_src.studies.conditions import CONDITIONS
from model_src.studies.robustness import one_under
from tests.media import make_clip
from tests.unit.data.made_windows import made_video
from tests.unit.serving.chunks import make_chunk


def run(videos: list[Video], store: Store, frame_rate: float = 5.0) -> Tally:
    tally = Tally()
    for tally in extract_all(videos, store, replace(EXTRACT_SETTINGS, frame_rate=frame_rate), workers=2):  # noqa: B007
        pass
    return tally


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> list[Video]:
    root = make_dataset(tmp_path_factory.mktemp("clips"), per_split={"train": 2}, seconds=1.5)
    (root / "train" / "zz_no_face").mkdir()
    (root / "train" / "zz_no_face" / "meta.json").write_text(json.dumps({"label": 1}))
    make_clip(root / "train" / "zz_no_face" / "video.mp4", seconds=1.2)
    return scan_tree(root)


def test_a_full_disk_is_not_tried_on_all_the_others(
    videos: list[Video], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []

    def full(video: Video, *_: object) -> None:
        tried.append(video.video_id)
        time.sleep(0.01)  # as a split takes some time, in which the others can be called off
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("model_src.data.extract.extract_one", full)
    with pytest.raises(OSError, match="No space left"):
        list(extract_all(videos * 20, Store(tmp_path), workers=1))
    assert len(tried) < len(videos) * 20 / 2


def test_extraction_goes_on_where_it_stopped_and_redoes_what_was_damaged(videos: list[Video], tmp_path: Path) -> None:
    store = Store(tmp_path)
    first = run(videos, store)
    assert (first.done, dict(first.rejected)) == (2, {"no_face": 1})
    assert run(videos, store).already == 2

    record = store.record(videos[0].video_id)
    assert record is not None
    chunk = store.folder(videos[0].video_id) / record.chunks[0].name
    chunk.write_bytes(chunk.read_bytes()[:-1] + b"x")
    assert store.damaged(record) == [chunk.name]
    again = run(videos, store)
    assert (again.done, again.already) == (1, 1)
    kept, missing = usable(videos, store)
    assert (len(kept), dict(missing)) == (2, {"no_face": 1})

    # The windows on disk are those that splitting on the fly finds.
    stored = WindowDataset(kept, Preextracted(store), sampling="uniform")
    fresh = WindowDataset(kept, OnTheFly(), sampling="uniform")
    assert (stored[(0, 0)][0].crops == fresh[(0, 0)][0].crops).all()
    assert (stored[(0, 0)][0].pcm == fresh[(0, 0)][0].pcm).all()


def kept(store: Store, video: Video, **fields: object) -> Record:
    """As if it had been extracted."""
    chunk = store.write_chunk(video.video_id, make_chunk(1.0))
    record = Record.model_validate(
        {"video_id": video.video_id, "source_sha256": "0", "settings": asdict(EXTRACT_SETTINGS), "chunks": [chunk]}
        | fields
    )
    store.write_record(record)
    return record


def test_what_was_extracted_outlives_the_absence_of_its_source(tmp_path: Path) -> None:
    store, away = Store(tmp_path), made_video(0)
    record = kept(store, away)
    assert run([away], store).rejected == {"missing_file": 1}
    assert store.record(away.video_id) == record
    assert usable([away], store) == ([away], {})


def test_faces_of_another_file_are_neither_learnt_nor_judged_and_are_extracted_anew(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store, video = Store(tmp_path / "store"), made_video(0, path=tmp_path / "video.mp4")
    video.path.write_text("one")
    kept(store, video, source_sha256=sha256(video.path), look=Look.at(video.path))
    assert usable([video], store) == ([video], {})
    video.path.write_text("another")
    assert usable([video], store) == ([], {"stale": 1})
    with pytest.raises(NotExtracted, match="stale"):
        each_chunk(video, store, lambda _: None)
    assert f"train_000: {video.path} is not the file that was extracted" in caplog.text
    assert run([video], store).rejected == {"unsupported_container": 1}  # it is no video


def test_extracting_again_reads_a_file_of_another_moment_to_the_end(tmp_path: Path) -> None:
    store, video = Store(tmp_path / "store"), made_video(0, path=tmp_path / "video.mp4")
    video.path.write_text("one")
    kept(store, video, source_sha256=sha256(video.path), look=Look.at(video.path))
    os.utime(video.path, (0, 0))  # a copy of it
    assert run([video], store).already == 1
    video.path.write_text("two")  # as long as the first one
    os.utime(video.path, (1, 1))
    assert run([video], store).rejected == {"unsupported_container": 1}


def test_a_file_that_looks_as_it_did_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, video = Store(tmp_path / "store"), made_video(0, path=tmp_path / "video.mp4")
    video.path.write_text("one")
    kept(store, video, source_sha256=sha256(video.path))  # by a version that did not write down how files look
    assert run([video], store).already == 1
    monkeypatch.setattr("model_src.data.extracted.sha256", lambda _: pytest.fail("it was read"))
    assert usable([video], store) == ([video], {})
    assert run([video], store).already == 1


@pytest.mark.parametrize("rate", ["0", "nan", "31"])
def test_a_frame_rate_that_no_video_can_be_split_at_is_refused_with_a_sentence(rate: str) -> None:
    done = CliRunner().invoke(app, ["extract", "--frame-rate", rate], env={"COLUMNS": "200"})
    assert done.exit_code == 2
    assert f"no video can be split at {rate} frames a second; choose 1 to 30" in done.output


def test_a_video_that_is_not_there_is_missing_and_not_corrupt(tmp_path: Path) -> None:
    away = made_video(0, path=tmp_path / "away.mp4")
    predictor: Any = None  # nothing comes so far
    assert list(score_videos(predictor, [away])) == [(away, "missing_file")]
    assert one_under(CONDITIONS["phone band"], predictor, away, tmp_path / "remade") == "missing_file"


def test_a_picture_that_would_fill_the_memory_is_left_out_unread(tmp_path: Path) -> None:
    """In a process of its own: OpenCV reads its limit once, when it is loaded."""
    size, head = struct.pack(">II", 9000, 9000), struct.pack(">BBBBB", 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", size + head), (b"IDAT", zlib.compress(bytes(9000 * (1 + 3 * 9000)))), (b"IEND", b""))
    body = b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )
    bomb = tmp_path / "bomb.png"
    bomb.write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    assert bomb.stat().st_size < 300_000
    code = """
import sys
from infra.cli import app
from pathlib import Path
from model_src.data.extract import chunk_of_image
try:
    chunk_of_image(Path(sys.argv[1]).read_bytes())
except Exception as error:
    print(getattr(error, "code", repr(error)))
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(bomb)], env={"PATH": os.environ["PATH"]}, capture_output=True, text=True
    )
    assert done.stdout.strip() == "not_an_image", done.stderr
