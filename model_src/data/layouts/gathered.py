"""Material gathered for training without a single fake: faces, clips of talking heads, and speech.

    faces/manifest.csv              path                            pictures, all real, to learn from
    clips/manifest.csv              path, label, role, method       role `train` (real) or `dev`
    clips/dev-pairs/manifest.csv    path, label, driver, pair       the two halves of face-swap recordings
    speech/{train,dev}/             speaker_chapter_utterance.flac  all real

A clip's source is the first word of how it came about. The swap pairs are what a model is chosen by (`val`); the other
labelled clips are only measured (`test`). Paths in the CSV files are relative to the root.
"""

from __future__ import annotations

import csv
from pathlib import Path

from model_src.data.video import Video

PICTURES, PAIRS, SPEECH = "faces", "dev-pairs", "speech"
LISTS = ("faces/manifest.csv", "clips/manifest.csv", "clips/dev-pairs/manifest.csv")


def recognise(root: Path) -> bool:
    return all((root / name).is_file() for name in LISTS)


def read(root: Path) -> list[Video]:
    return [*_faces(root), *_clips(root), *_pairs(root), *_speech(root)]


def _faces(root: Path) -> list[Video]:
    return [
        Video(video_id=_name(row), label=0, split="train", path=root / row["path"], source=PICTURES, method="real")
        for row in _rows(root / LISTS[0])
    ]


def _clips(root: Path) -> list[Video]:
    return [
        Video(
            video_id=_name(row),
            label=0 if row["label"] == "0" else 1,
            split="train" if row["role"] == "train" else "test",
            path=root / row["path"],
            source=row["method"].split(" ")[0].lower(),
            method="real" if row["label"] == "0" else row["method"],
        )
        for row in _rows(root / LISTS[1])
    ]


def _pairs(root: Path) -> list[Video]:
    return [
        Video(
            video_id=f"{_name(row)}_{row['label']}",
            label=0 if row["label"] == "0" else 1,
            split="val",
            path=root / row["path"],
            identities=(f"driver-{row['driver']}",),
            source=PAIRS,
            method="real" if row["label"] == "0" else row["method"],
        )
        for row in _rows(root / LISTS[2])
    ]


def _speech(root: Path) -> list[Video]:
    return [
        Video(
            video_id=f"speech_{path.stem}",
            label=0,
            split="train" if path.parent.name == "train" else "val",
            path=path,
            identities=(f"speaker-{path.stem.split('_')[0]}",),
            source=SPEECH,
            method="real",
        )
        for path in sorted((root / SPEECH).glob("*/*.flac"))
    ]


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _name(row: dict[str, str]) -> str:
    return row["path"].rsplit(".", 1)[0].replace("/", "_")
