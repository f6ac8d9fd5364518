"""A model that decides by something beside the face is found out; one that does not is left in peace."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from typer.testing import CliRunner

from infra.cli import app
from model_src.data.manifest import write_manifest
from model_src.data.store import Record, Store
from model_src.data.video import Video
from model_src.evaluation.score import sorted_out, tried
from model_src.models import build
from model_src.models.checkpoint import save_checkpoint
from model_src.preprocess.chunk import CROP, Chunk
from model_src.studies.bare_statistics import BareStatistics, bit_rate
from model_src.studies.beside_face import CHANGES, face
from model_src.studies.shortcuts import (
    ALL,
    MODEL,
    Ranking,
    Seen,
    Swayed,
    look,
    rank_correlation,
    ranked_right,
    rankings,
    swayed,
    table_of_changes,
    table_of_rankings,
)
from model_src.studies.video_score import VideoScore
from model_src.verdict.scores import ChunkScores, WindowScore
from tests.unit.data.made_windows import made_video
from tests.unit.models.tiny import tiny_config
from tests.unit.serving.chunks import make_chunk

MIDDLE = 100.0  # the brightness at which a model of brightness is in two minds
FLAT = 10  # how bright the ground of every made face is


def answer(chunk: Chunk, logit: float, *, listens: bool = False) -> ChunkScores:
    """As a model gives it that looks, and listens or does not: no window without anything to judge."""
    judged = len(chunk.crops) or (listens and len(chunk.audio))
    windows = [WindowScore(index=0, start=0.0, end=1.0, logit=logit)] if judged else []
    return ChunkScores(model_version="made", trained=True, chunk_index=chunk.index, windows=windows, frames=[])


def by_brightness(chunk: Chunk) -> ChunkScores:
    return answer(chunk, (float(chunk.crops.mean()) - MIDDLE) / 10 if len(chunk.crops) else 0.0)


def by_nothing(chunk: Chunk) -> ChunkScores:
    return answer(chunk, 2.0)


def by_face(chunk: Chunk) -> ChunkScores:
    """The middle of the face alone, and whether it is brighter than the rest of it."""
    middle = chunk.crops[:, 100:150, 90:134].mean()
    return answer(chunk, 3.0 if middle > MIDDLE else -3.0)


def by_sound(chunk: Chunk) -> ChunkScores:
    return answer(chunk, 3.0 if len(chunk.audio) else -3.0, listens=True)


def lit(face_at: int, *, sound: bool = True) -> Chunk:
    """A face of one grey on a dark ground."""
    chunk = make_chunk(1.0, sound=sound)
    crops = np.where(face()[..., None], face_at, FLAT).astype(np.uint8)  # [224, 224, 1]
    return replace(chunk, crops=np.broadcast_to(crops, (len(chunk.crops), CROP, CROP, 3)).copy())


def kept(store: Store, video: Video, *chunks: Chunk) -> Video:
    files = [store.write_chunk(video.video_id, replace(chunk, index=n)) for n, chunk in enumerate(chunks)]
    store.write_record(Record(video_id=video.video_id, source_sha256="", settings={}, chunks=files))
    return video


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def videos(store: Store) -> list[Video]:
    """Four people, each real and, brighter, fake; without sound every other person."""
    return [
        kept(
            store,
            made_video(2 * person + fake, "val", fake, identities=(f"p{person}",), source="made"),
            lit(90 + 10 * person + 40 * fake, sound=person % 2 == 0),
        )
        for person in range(4)
        for fake in (0, 1)
    ]


def found(rows: list[Ranking], by: str, source: str = "made") -> Ranking:
    return next(row for row in rows if (row.by, row.source) == (by, source))


def change(rows: list[Swayed], name: str) -> Swayed:
    return next(row for row in rows if row.change == name)


def seen_by(score: Callable[[Chunk], ChunkScores], videos: list[Video], store: Store) -> list[tuple[Video, Seen]]:
    return [(video, look(score, video, store)) for video in videos]


def test_a_model_of_brightness_is_found_out(videos: list[Video], store: Store) -> None:
    seen = seen_by(by_brightness, videos, store)
    rows = rankings(seen, resamples=20)
    model, bright = found(rows, MODEL), found(rows, "brightness")
    assert model.found.auc == bright.found.auc
    assert model.found.interval is not None
    assert model.ranked_right == bright.ranked_right == 1
    assert bright.like_model == pytest.approx(1)
    assert (model.real, model.fake, model.pairs) == (4, 4, 4)
    changes = swayed([one for _, one in seen])
    lighter, blank = change(changes, "a fifth brighter"), change(changes, "background blank")
    assert (lighter.videos, blank.videos) == (8, 8)
    assert lighter.shift is not None
    assert lighter.shift > 0.1
    assert blank.changed is not None
    assert blank.changed > 0.3
    assert blank.real_to_fake >= 3
    assert blank.fake_to_real == 0
    for name in ("mirrored", "muted"):
        assert (change(changes, name).shift, change(changes, name).changed) == (0, 0)


def test_a_model_of_the_face_does_not_mind_what_is_beside_it(videos: list[Video], store: Store) -> None:
    changes = swayed([one for _, one in seen_by(by_face, videos, store)])
    assert {row.change: row.shift for row in changes if row.change != "a fifth brighter"} == dict.fromkeys(
        ["background blank", "mirrored", "stored again", "muted"], 0
    )


def test_a_video_that_changes_nothing_has_no_shift(videos: list[Video], store: Store) -> None:
    changes = swayed([one for _, one in seen_by(by_nothing, videos, store)])
    assert [row.change for row in changes] == list(CHANGES)
    assert all((row.shift, row.changed, row.real_to_fake, row.fake_to_real) == (0, 0, 0, 0) for row in changes)
    assert change(changes, "muted").videos == 4  # the others have no sound to lose


def test_a_verdict_that_hangs_on_the_sound_turns(videos: list[Video], store: Store) -> None:
    row = change(swayed([one for _, one in seen_by(by_sound, videos, store)]), "muted")
    assert (row.videos, row.changed, row.fake_to_real, row.real_to_fake) == (4, 1, 4, 0)


def test_a_recording_counts_as_a_video_but_not_among_the_pictures(videos: list[Video], store: Store) -> None:
    whole = make_chunk(1.0)
    none = whole.crops[:0]
    recording = replace(
        whole, crops=none, frame_ids=whole.frame_ids[:0], timestamps=whole.timestamps[:0],
        boxes=whole.boxes[:0], points=whole.points[:0], transforms=whole.transforms[:0],
        window_frames=np.full_like(whole.window_frames, -1),
    )  # fmt: skip
    speech = kept(store, made_video(9, "val", 0, source="speech"), recording)
    seen = seen_by(by_sound, [*videos, speech], store)
    assert seen[-1][1].changed == {}
    rows = rankings(seen, resamples=2)
    assert [row.by for row in rows if row.source == "speech"] == [MODEL]
    assert found(rows, MODEL, "speech").found.auc is None
    assert (found(rows, MODEL, ALL).real, found(rows, "sharpness", ALL).real) == (5, 4)
    assert len(rows) == 4 + 1 + 4
    line = next(row for row in table_of_rankings(rows, "speech").cells if row[0] == "speech")
    assert line == ["speech", "1", "0", "–", "–", "–", "–"]
    assert all(row.videos <= 8 for row in swayed([one for _, one in seen]))


def test_what_cannot_be_scored_is_counted_by_its_reason(videos: list[Video], store: Store) -> None:
    lost = made_video(99, "val")
    seen, missing = sorted_out(tried([*videos, lost], lambda video: look(by_nothing, video, store)))
    assert (len(seen), dict(missing)) == (8, {"not_extracted": 1})


def test_a_frame_that_two_chunks_share_counts_once(tmp_path: Path) -> None:
    """Its neighbours are dark: counted twice, the one bright frame would weigh more."""
    chunk = lit(FLAT)
    shared = replace(chunk, crops=np.concatenate([chunk.crops[:-1], np.full_like(chunk.crops[:1], 255)]))
    again = replace(lit(FLAT), frame_ids=chunk.frame_ids + len(chunk.frame_ids) - 1)
    again.crops[0] = 255
    statistics = BareStatistics()
    statistics.add(shared)
    statistics.add(again)
    of = statistics.of(tmp_path / "none.mp4")
    frames = 2 * len(chunk.crops) - 1
    assert of["brightness"] == pytest.approx((255 + FLAT * (frames - 1)) / frames)
    assert of["black share"] == pytest.approx((frames - 1) / frames)
    assert of["sharpness"] == 0
    assert "bit rate" not in of


def test_the_bit_rate_is_the_file_s_and_only_a_video_has_one(tmp_path: Path) -> None:
    path = tmp_path / "noise.mp4"
    noise = np.random.default_rng(0).integers(0, 256, (25, 64, 64, 3), np.uint8)
    with av.open(path, "w") as made:
        stream = made.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for frame in noise:
            made.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        made.mux(stream.encode(None))
    assert bit_rate(path) == pytest.approx(path.stat().st_size * 8, rel=0.05)  # it lasts a second
    (tmp_path / "speech.flac").write_bytes(b"fLaC")
    assert bit_rate(tmp_path / "speech.flac") is None


def test_changes_stay_beside_the_face() -> None:
    flow = np.random.default_rng(0).normal(size=(5, CROP, CROP, 2)).astype(np.float16)
    chunk = replace(make_chunk(1.0), flow=flow)
    blank = CHANGES["background blank"].make(chunk)
    assert blank.flow is not None
    assert np.array_equal(blank.crops[:, face()], chunk.crops[:, face()])
    assert (blank.crops[:, ~face()] == 128).all()
    assert (blank.flow[:, ~face()] == 0).all()
    assert 0.5 < face().mean() < 0.9
    mirror = CHANGES["mirrored"]
    assert mirror.make(chunk).flow is not None
    twice = mirror.make(mirror.make(chunk))
    assert np.array_equal(twice.crops, chunk.crops)
    assert np.array_equal(np.asarray(twice.flow), flow)
    stored = CHANGES["stored again"].make(lit(120))
    assert abs(stored.crops.astype(int) - lit(120).crops).max() < 60
    red = replace(chunk, crops=np.full_like(chunk.crops, 0))
    red.crops[..., 0] = 200
    assert CHANGES["stored again"].make(red).crops.mean(axis=(0, 1, 2)) == pytest.approx([200, 0, 0], abs=3)
    for name, one in CHANGES.items():
        changed = one.make(chunk)
        assert Chunk.from_bytes(changed.to_bytes()).index == chunk.index, name


def score_of(number: int, label: int, logit: float, group: str, source: str = "made") -> VideoScore:
    return VideoScore.model_validate(
        {"video_id": f"v{number}", "label": label, "source": source, "group": group, "logit": logit, "verdict": "real"}
    )


def test_every_real_is_paired_with_every_fake_of_the_same_people() -> None:
    one = [score_of(0, 0, 1.0, "a"), score_of(1, 0, 3.0, "a"), score_of(2, 1, 2.0, "a"), score_of(3, 1, 3.0, "a")]
    assert sorted(ranked_right(one)) == [0, 0.5, 1, 1]
    assert sorted(ranked_right([*one, score_of(4, 0, 9.0, "b")])) == [0, 0.5, 1, 1]  # a real alone has no pair
    assert ranked_right([*one, score_of(5, 1, 9.0, "b")]) == []  # a fake alone has none, so nothing is said
    assert ranked_right([*one, score_of(6, 1, 9.0, "a", source="other")]) == []


def test_the_rank_correlation_is_spearman_s() -> None:
    """Six times the squared differences of the ranks, where no two are equal; half a rank each, where two are."""
    assert rank_correlation([(1, 10), (2, 90), (3, 30), (9, 40)]) == pytest.approx(1 - 6 * (0 + 4 + 1 + 1) / (4 * 15))
    assert rank_correlation([(1, 1), (2, 2), (2, 3)]) == pytest.approx(0.75**0.5)
    assert rank_correlation([(5, 5), (4, 6), (3, 900)]) == pytest.approx(-1)
    assert rank_correlation([(1, 1), (1, 2), (1, 3)]) is None
    assert rank_correlation([(1, 1), (2, 2)]) is None


def test_the_tables_tell_people_and_programs_the_same(videos: list[Video], store: Store, tmp_path: Path) -> None:
    seen = seen_by(by_brightness, videos, store)
    rows, changes = rankings(seen, resamples=5), swayed([one for _, one in seen])
    table_of_rankings(rows, "statistics").write(tmp_path, "statistics")
    table_of_changes(changes, "changes").write(tmp_path, "changes")
    lines = list(csv.DictReader((tmp_path / "statistics.csv").open()))
    assert [line["by"] for line in lines] == [MODEL, "sharpness", "brightness", "black share"]
    assert float(lines[0]["auc"]) == rows[0].found.auc
    assert (lines[0]["pairs"], lines[0]["like_model"]) == ("4", "")
    assert "100.0 % of 4" in (tmp_path / "statistics.md").read_text()
    assert json.loads((tmp_path / "changes.json").read_text())["rows"] == [vars(row) for row in changes]


def test_the_command_ends_in_two_tables(videos: list[Video], store: Store, tmp_path: Path) -> None:
    write_manifest(tmp_path / "list.json", videos)
    save_checkpoint(tmp_path / "tiny.pth", build(tiny_config(), pretrained=False), epoch=0, metrics={})
    given = ["shortcuts", "--checkpoint", str(tmp_path / "tiny.pth"), "--manifest", str(tmp_path / "list.json")]
    given += ["--extracted", str(store.root), "--device", "cpu", "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(app, given)
    assert done.exit_code == 0, done.output
    assert "· brightness" in done.output
    assert "background blank" in done.output
    written = {file.name for file in (tmp_path / "out").iterdir()}
    kinds = ("csv", "json", "md")
    assert written == {f"{name}.{kind}" for name in ("statistics", "changes") for kind in kinds} | {"statistics.png"}
    nobody = CliRunner().invoke(app, [*given, "--split", "test"])
    assert nobody.exit_code == 1
    assert "no video of test could be scored" in nobody.output
