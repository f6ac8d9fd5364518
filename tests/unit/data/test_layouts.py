"""A dataset is read as its makers lay it out, in their split, and nobody crosses it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from model_src.data.find import load_videos
from model_src.data.identities import refuse_leaks
from model_src.data.layouts.faceforensics import METHODS
from model_src.data.manifest import ManifestInvalid


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


def faceforensics(root: Path) -> Path:
    pairs = {"train": [["000", "003"]], "val": [["010", "011"]], "test": [["020", "021"]]}
    for split, listed in pairs.items():
        path = root / "splits" / f"{split}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(listed))
        for one, other in [*listed, *[pair[::-1] for pair in listed]]:
            for compression in ("raw", "c23", "c40"):
                touch(root / "original_sequences" / "youtube" / compression / "videos" / f"{one}.mp4")
                for method in METHODS:
                    touch(root / "manipulated_sequences" / method / compression / "videos" / f"{one}_{other}.mp4")
    return root


def test_faceforensics_all_methods_and_compressions_in_the_official_split(tmp_path: Path) -> None:
    videos = load_videos(faceforensics(tmp_path))
    assert len(videos) == 6 * 3 * (1 + len(METHODS))
    assert {video.source for video in videos} == {f"FaceForensics++ {c}" for c in ("c0", "c23", "c40")}
    assert {video.method for video in videos if video.label} == set(METHODS)
    refuse_leaks(videos)
    swap = next(video for video in videos if video.video_id == "Deepfakes_c23_020_021")
    assert (swap.label, swap.split, swap.identities) == (1, "test", ("020", "021"))
    assert swap.path.is_file()


def test_faceforensics_without_its_splits_says_which_file_is_missing(tmp_path: Path) -> None:
    (faceforensics(tmp_path) / "splits" / "val.json").unlink()
    with pytest.raises(ManifestInvalid, match=r"splits/val\.json"):
        load_videos(tmp_path)


def test_celeb_df_is_tested_on_its_list_and_on_nobody_known(tmp_path: Path) -> None:
    touch(*(tmp_path / "Celeb-real" / f"id{n}_0000.mp4" for n in range(12)))
    touch(*(tmp_path / "Celeb-synthesis" / f"id{n}_id{n + 1}_0000.mp4" for n in range(0, 12, 2)))
    touch(*(tmp_path / "YouTube-real" / f"{n:05d}.mp4" for n in range(4)))
    (tmp_path / "List_of_testing_videos.txt").write_text(
        "1 Celeb-real/id0_0000.mp4\n0 Celeb-synthesis/id0_id1_0000.mp4\n1 YouTube-real/00003.mp4\n"
    )
    videos = load_videos(tmp_path)
    tested = {video.video_id: video.label for video in videos if video.split == "test"}
    assert tested == {"Celeb-real_id0_0000": 0, "Celeb-synthesis_id0_id1_0000": 1, "YouTube-real_00003": 0}
    assert {video.split for video in videos} == {"train", "val", "test"}
    assert "Celeb-real_id1_0000" not in {video.video_id for video in videos}  # tested in a swap, so not learnt from
    refuse_leaks(videos)


def test_dfdc_keeps_a_real_and_its_fakes_together_and_survives_missing_parts(tmp_path: Path) -> None:
    for part in range(3):
        folder = tmp_path / f"dfdc_train_part_{part}"
        facts: dict[str, dict[str, str]] = {}
        for number in range(6):
            real = f"real{part}{number}.mp4"
            facts[real] = {"label": "REAL", "split": "train"}
            facts[f"fake{part}{number}.mp4"] = {"label": "FAKE", "split": "train", "original": real}
        touch(*(folder / name for name in list(facts)[:-1]))
        (folder / "metadata.json").write_text(json.dumps(facts))
    videos = load_videos(tmp_path)
    assert len(videos) == 33
    refuse_leaks(videos)
    assert {video.split for video in videos} == {"train", "val", "test"}
    home = {video.identities: video.split for video in videos if video.label == 0}
    assert all(home[video.identities] == video.split for video in videos if video.label)


def test_a_broken_official_list_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "metadata.json").write_text("{")
    with pytest.raises(ManifestInvalid, match="not as its makers lay it out"):
        load_videos(tmp_path)
