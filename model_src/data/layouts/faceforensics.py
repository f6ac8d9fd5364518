"""FaceForensics++: every method and compression that is there, in the official split.

    original_sequences/youtube/c23/videos/000.mp4
    manipulated_sequences/Deepfakes/c23/videos/000_003.mp4      the target 000 wears the face of 003
    splits/train.json, val.json, test.json                      pairs: [["000", "003"], ...]

`raw` is the makers' name for c0. Both people of a pair are in one split, so none crosses.
"""

from __future__ import annotations

import json
from pathlib import Path

from model_src.data.video import SPLITS, Split, Video

METHODS = ("Deepfakes", "Face2Face", "FaceSwap", "NeuralTextures", "FaceShifter")
COMPRESSIONS = {"raw": "c0", "c0": "c0", "c23": "c23", "c40": "c40"}


class SplitsMissing(FileNotFoundError):
    """Without the official split files nobody knows which video to test on."""


def recognise(root: Path) -> bool:
    return (root / "original_sequences" / "youtube").is_dir()


def read(root: Path) -> list[Video]:
    home = _splits(root)
    folders = [(root / "original_sequences" / "youtube", "")]
    folders += [(root / "manipulated_sequences" / method, method) for method in METHODS]
    return [
        _video(path, compression, method, home[path.stem.split("_")[0]])
        for folder, method in folders
        for name, compression in COMPRESSIONS.items()
        for path in sorted((folder / name / "videos").glob("*.mp4"))
        if path.stem.split("_")[0] in home
    ]


def _video(path: Path, compression: str, method: str, split: Split) -> Video:
    return Video(
        video_id=f"{method or 'original'}_{compression}_{path.stem}",
        label=1 if method else 0,
        split=split,
        path=path,
        identities=tuple(path.stem.split("_")),
        source=f"FaceForensics++ {compression}",
        method=method or "real",
    )


def _splits(root: Path) -> dict[str, Split]:
    """Person -> split."""
    home: dict[str, Split] = {}
    for split in SPLITS:
        places = [root / "splits" / f"{split}.json", root / f"{split}.json"]
        found = next((place for place in places if place.is_file()), None)
        if found is None:
            raise SplitsMissing(
                f"FaceForensics++ at {root} lacks {places[0].relative_to(root)}: it is on its GitHub page."
            )
        home |= {person: split for pair in json.loads(found.read_text()) for person in pair}
    return home
