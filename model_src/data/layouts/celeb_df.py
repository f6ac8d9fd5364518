"""Celeb-DF v2, tested on the official list.

    Celeb-real/id0_0000.mp4    Celeb-synthesis/id0_id1_0000.mp4    YouTube-real/00170.mp4
    List_of_testing_videos.txt                                    "1 Celeb-real/id0_0000.mp4": here 1 means real

The list tests people who are also elsewhere in the dataset. Those other videos are left out, so that nobody is known
from training; the rest is dealt to training and validation, by identity.
"""

from __future__ import annotations

from pathlib import Path

from model_src.data.identities import split_by_identity
from model_src.data.video import Video

LIST = "List_of_testing_videos.txt"
FOLDERS = {"Celeb-real": 0, "YouTube-real": 0, "Celeb-synthesis": 1}
VALIDATION = 0.15


def recognise(root: Path) -> bool:
    return (root / LIST).is_file()


def read(root: Path) -> list[Video]:
    listed = {line.split(maxsplit=1)[1].strip() for line in (root / LIST).read_text().splitlines() if line.strip()}
    videos = [
        _video(path, folder, tested=f"{folder}/{path.name}" in listed)
        for folder in FOLDERS
        for path in sorted((root / folder).glob("*.mp4"))
    ]
    tested = [video for video in videos if video.split == "test"]
    people = {person for video in tested for person in video.people}
    rest = [video for video in videos if video.split != "test" and not people & set(video.people)]
    return split_by_identity(rest, {"train": 1 - VALIDATION, "val": VALIDATION}) + tested if rest else tested


def _video(path: Path, folder: str, *, tested: bool) -> Video:
    celebrity = folder != "YouTube-real"
    return Video(
        video_id=f"{folder}_{path.stem}",
        label=1 if FOLDERS[folder] else 0,
        split="test" if tested else "train",
        path=path,
        identities=tuple(part for part in path.stem.split("_") if part.startswith("id")) if celebrity else (),
        source="Celeb-DF v2",
        method="Celeb-synthesis" if FOLDERS[folder] else "real",
    )
