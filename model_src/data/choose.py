"""The videos of a list that are asked for, by source or by split; where there are none, it is said which there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from model_src.data.dataset import NothingToLearnFrom
from model_src.data.recording import SUFFIXES as RECORDINGS
from model_src.data.video import Split, Video


def of_sources(videos: Sequence[Video], sources: Sequence[str]) -> list[Video]:
    there = sorted({video.source for video in videos})
    unknown = [source for source in sources if source not in there]
    if unknown:
        raise NothingToLearnFrom(f"No video is of the source {', '.join(unknown)}; there are {', '.join(there)}.")
    return [video for video in videos if video.source in sources]


def of_split(videos: Sequence[Video], split: Split) -> list[Video]:
    chosen = [video for video in videos if video.split == split]
    if not chosen:
        there = Counter(video.split for video in videos)
        counts = ", ".join(f"{name} {count}" for name, count in there.items())
        raise NothingToLearnFrom(f"There is no video of the split {split}; there are: {counts}.")
    return chosen


def real_recordings(videos: Sequence[Video]) -> list[Video]:
    """People's voices without a picture."""
    chosen = [video for video in videos if video.label == 0 and video.path.suffix.lower() in RECORDINGS]
    if not chosen:
        raise NothingToLearnFrom(f"None of the {len(videos)} videos is a recording of a person, without a picture.")
    return chosen
