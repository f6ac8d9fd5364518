"""A list of videos, however it is written, becomes the same videos, or a sentence that says what is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from infra.cli import app
from model_src.data.choose import of_sources, of_split
from model_src.data.dataset import NothingToLearnFrom
from model_src.data.find import load_videos
from model_src.data.identities import IdentityLeak, SameFile, groups, refuse_leaks, refuse_same_files, split_by_identity
from model_src.data.manifest import ManifestInvalid, read_manifest, scan_tree, write_manifest
from model_src.data.store import Record, Store
from model_src.data.video import Split, Video
from tests.unit.data.made_windows import made_video


def test_csv_json_and_tree_give_the_same_videos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for split, name, label in (("train", "a", 0), ("val", "b", 1)):
        folder = tmp_path / split / name
        folder.mkdir(parents=True)
        (folder / "video.mp4").write_bytes(b"")
        (folder / "meta.json").write_text(json.dumps({"label": label, "identities": ["p1"] if name == "a" else []}))
    table = tmp_path / "list.csv"
    table.write_text("video_id,label,split,path,identities\na,0,train,train/a/video.mp4,p1\nb,1,val,val/b/video.mp4,\n")
    monkeypatch.chdir(tmp_path.parent)
    from_tree = scan_tree(Path(tmp_path.name))  # however the root is named, the paths are found from anywhere
    assert all(video.path.is_file() for video in from_tree)
    write_manifest(tmp_path / "list.json", from_tree)
    assert from_tree == load_videos(None, table) == load_videos(None, tmp_path / "list.json")
    assert [video.label for video in from_tree] == [0, 1]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("a,2,train,a.mp4", "label"),
        ("a,0,holdout,a.mp4", "split"),
        ("../a,0,train,a.mp4", "without slashes"),
        ("a\x1b]0;b\x07,0,train,a.mp4", "cannot be printed"),
        ("a,0,train,a.mp4\na,1,train,b.mp4", "Two videos"),
    ],
)
def test_a_wrong_entry_is_named(tmp_path: Path, row: str, says: str) -> None:
    path = tmp_path / "list.csv"
    path.write_text(f"video_id,label,split,path\n{row}\n")
    with pytest.raises(ManifestInvalid, match=says):
        read_manifest(path)


@pytest.mark.parametrize("named", [{"source": "a\x1b[2J"}, {"method": "b\u202e"}, {"identities": ("c\n",)}])
def test_no_name_of_a_dataset_steers_a_terminal(named: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="cannot be printed"):
        Video(video_id="a", label=0, split="train", path=Path("a.mp4"), **named)


HEADER, ROW = "video_id,label,split,path\n", "a,0,train,a.mp4\n"


def test_a_spreadsheet_s_mark_in_front_of_utf_8_is_no_part_of_the_list(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text(HEADER + ROW, encoding="utf-8-sig")
    assert [video.video_id for video in read_manifest(tmp_path / "list.csv")] == ["a"]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("list.csv", (HEADER + ROW).replace(",", ";").encode(), "are: video_id;label;split;path"),
        ("list.csv", (HEADER + ROW).encode("utf-16"), "line 1: this is no UTF-8"),
        ("list.csv", (HEADER + ROW + "ü,0,train,b.mp4\n").encode("latin-1"), "line 3: this is no UTF-8"),
        ("list.csv", b"", "are: none"),
        ("list.json", b'[\n{"video_id": "a",}]', "line 2: this is no JSON"),
        ("list.json", b'[{"video_id": "a", "label": true, "split": "val", "path": "a.mp4"}]', "not true or false"),
        ("val/a/meta.json", b'{"label": 1', "meta.json, line 1: this is no JSON"),
        ("val/a/meta.json", b"[1]", "meta.json: not a record"),
        ("val/a/meta.json", b'{"label": 1, "audio_label": true}', "audio_label.* not true or false"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_file(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    (path.parent / "video.mp4").touch()
    with pytest.raises(ManifestInvalid, match=says):
        load_videos(tmp_path, path if path.name.startswith("list") else None)


def made_tree(root: Path, *names: str) -> Path:
    for name in ("train/a/video.mp4", "train/a/meta.json", *names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text('{"label": 0}')
    return root


@pytest.mark.parametrize(
    ("lost", "says"),
    [
        ("validation/b/video.mp4", "validation holds videos and is no split; the splits are train, val, test"),
        ("val/b/video.mp4", "val/b/video.mp4 has no meta.json"),
        ("val/b.mp4", "val/b.mp4 has no meta.json"),
    ],
)
def test_a_video_that_lies_where_nobody_looks_is_named(tmp_path: Path, lost: str, says: str) -> None:
    with pytest.raises(ManifestInvalid, match=says):
        scan_tree(made_tree(tmp_path, lost))


def test_what_else_lies_in_a_data_root_is_nobody_s_concern(tmp_path: Path) -> None:
    beside = (".aura-extracted/a/record.json", ".old/b/video.mp4", "notes/read.me", "train/c/face.png")
    assert [video.video_id for video in scan_tree(made_tree(tmp_path, *beside))] == ["a"]


def test_a_source_or_a_split_that_nobody_is_of_is_named_with_those_there_are() -> None:
    videos = [made_video(0, source="DFDC"), made_video(1, source="speech")]
    assert of_sources(videos, ["speech"]) == of_split(videos, "train")[1:]
    with pytest.raises(NothingToLearnFrom, match="of the source dfdc; there are DFDC, speech"):
        of_sources(videos, ["speech", "dfdc"])
    with pytest.raises(NothingToLearnFrom, match="of the split val; there are: train 2"):
        of_split(videos, "val")


def test_a_face_swap_ties_two_people_so_that_neither_crosses_splits() -> None:
    videos = [made_video(n, label=n % 2, identities=(f"p{n % 10}", f"p{(n + 1) % 10}") if n % 2 else (f"p{n % 10}",))
              for n in range(40)]  # fmt: skip
    dealt = split_by_identity(videos, {"train": 0.6, "val": 0.2, "test": 0.2}, seed=3)
    refuse_leaks(dealt)
    assert len(groups(videos)) == 5  # p0-p9 are tied in a chain of pairs
    counts = {split: sum(video.split == split for video in dealt) for split in ("train", "val", "test")}
    assert counts == {"train": 24, "val": 8, "test": 8}
    assert dealt == split_by_identity(videos, {"train": 0.6, "val": 0.2, "test": 0.2}, seed=3)


def test_a_person_in_two_splits_is_refused_by_name() -> None:
    with pytest.raises(IdentityLeak, match=r"anna \(train, val\)"):
        refuse_leaks([made_video(0, "train", identities=("anna",)), made_video(1, "val", identities=("anna", "ben"))])


@pytest.mark.parametrize(("split", "label"), [("val", 0), ("train", 1)])
def test_one_file_in_two_splits_or_under_two_labels_is_refused_by_name(
    tmp_path: Path, split: Split, label: int
) -> None:
    store = Store(tmp_path)
    one, copy, other = made_video(0), made_video(2), made_video(4, split, label)
    for video in (one, copy, other):
        store.write_record(Record(video_id=video.video_id, source_sha256="0", settings={}))
    refuse_same_files([one, copy], store)
    with pytest.raises(SameFile, match=rf"train_000 \(train, real\) and {other.video_id} \({split}, .* the same file"):
        refuse_same_files([one, copy, other], store)


def gathered(folder: Path, *videos: Video, options: Sequence[str] = ()) -> Result:
    """Each video on a list of its own."""
    lists = [folder / f"{number}.json" for number in range(len(videos))]
    for path, video in zip(lists, videos, strict=True):
        write_manifest(path, [video])
    given = [part for path in lists for part in ("--manifest", str(path))]
    return CliRunner().invoke(
        app, ["gather", *given, *options, "--out", str(folder / "all.json")], env={"COLUMNS": "200"}
    )


def test_two_videos_of_one_name_are_gathered_only_where_they_are_the_same(tmp_path: Path) -> None:
    for name, content in (("a.mp4", "one"), ("copy.mp4", "one"), ("b.mp4", "two")):
        (tmp_path / name).write_text(content)
    real = made_video(0, "val", 0, path=tmp_path / "a.mp4")
    copy, other = (real.model_copy(update={"path": tmp_path / name}) for name in ("copy.mp4", "b.mp4"))
    assert gathered(tmp_path, real, real, copy).exit_code == 0
    assert read_manifest(tmp_path / "all.json") == [real]
    assert "Two videos are called val_000" in gathered(tmp_path, real, other).output
    fake = copy.model_copy(update={"label": 1})
    assert "val_000 is real in one list and fake in another" in gathered(tmp_path, real, fake).output


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--take", "vall"], "'vall' is none of train, val, test"),
        (["--leave", "nowhere"], "'nowhere' is none of unknown"),
        (["--call", "validation"], "'validation' is not one of 'train', 'val', 'test'"),
        (["--take", "test"], "None of the 1 videos is to be taken"),
    ],
)
def test_gathering_nothing_or_what_nobody_knows_is_refused(tmp_path: Path, options: list[str], says: str) -> None:
    done = gathered(tmp_path, made_video(0, "val"), options=options)
    assert done.exit_code != 0
    assert says in done.output
    assert not (tmp_path / "all.json").exists()


def test_the_largest_group_goes_where_there_is_room_for_it() -> None:
    videos = [made_video(n, identities=("anna",) if n < 6 else (f"p{n}",)) for n in range(10)]
    for seed in range(5):
        dealt = split_by_identity(videos, {"train": 0.6, "val": 0.2, "test": 0.2}, seed=seed)
        assert [sum(video.split == split for video in dealt) for split in ("train", "val", "test")] == [6, 2, 2]
