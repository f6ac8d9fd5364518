"""DFDC: folders of videos with a `metadata.json` that names, for every fake, the real it was made from.

    dfdc_train_part_0/metadata.json     {"a.mp4": {"label": "FAKE", "split": "train", "original": "b.mp4"}, ...}

Who is shown is not published; a real and all fakes of it stay together. All labelled videos are called `train` there,
so they are dealt to the three splits here. Either sense may be forged, and nobody says which.
"""

from __future__ import annotations

import json
from pathlib import Path

from model_src.data.identities import split_by_identity
from model_src.data.video import Split, Video

METADATA = "metadata.json"
SHARES: dict[Split, float] = {"train": 0.8, "val": 0.1, "test": 0.1}


def _lists(root: Path) -> list[Path]:
    return sorted([*root.glob(METADATA), *root.glob(f"*/{METADATA}")])


def recognise(root: Path) -> bool:
    return bool(_lists(root))


def read(root: Path) -> list[Video]:
    """Videos that the list names and the disk lacks are left out: DFDC comes in fifty parts."""
    videos = [
        _video(listed.parent / name, facts)
        for listed in _lists(root)
        for name, facts in sorted(json.loads(listed.read_text()).items())
        if (listed.parent / name).is_file()
    ]
    return split_by_identity(videos, SHARES)


def _video(path: Path, facts: dict[str, str]) -> Video:
    fake = facts["label"] == "FAKE"
    return Video(
        video_id=f"{path.parent.name}_{path.stem}",
        label=1 if fake else 0,
        split="train",
        path=path,
        identities=(facts["original"] if fake and facts.get("original") else path.name,),
        source="DFDC",
        method="DFDC" if fake else "real",
    )
