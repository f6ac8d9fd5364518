"""Nobody may be known from training when the model is tested: neither identities nor files cross splits.

A face-swap shows one person and wears another's face, so it ties both together: whoever is tied, however far along the
chain, belongs to one group, and a group lies in one split.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence

from model_src.data.store import Store
from model_src.data.video import SPLITS, Split, Video

CALLED = ("real", "fake")  # by label


class IdentityLeak(ValueError):
    """Somebody is in two splits: what is measured there would be memory, not skill."""


class SameFile(IdentityLeak):
    """One file is in two splits, or is called real and fake."""


def groups(videos: Sequence[Video]) -> list[list[Video]]:
    """Videos tied by the people they show, in the order of their first video."""
    leader: dict[str, str] = {}

    def find(person: str) -> str:
        leader.setdefault(person, person)
        while leader[person] != person:
            leader[person] = leader[leader[person]]
            person = leader[person]
        return person

    for video in videos:
        for other in video.people[1:]:
            leader[find(other)] = find(video.people[0])
    tied: dict[str, list[Video]] = defaultdict(list)
    for video in videos:
        tied[find(video.people[0])].append(video)
    return list(tied.values())


def group_names(videos: Sequence[Video]) -> dict[str, str]:
    """Of each video's id, the name of its group: the first of the people tied together."""
    return {video.video_id: tied[0].people[0] for tied in groups(videos) for video in tied}


def refuse_leaks(videos: Sequence[Video]) -> None:
    homes: dict[str, set[Split]] = defaultdict(set)
    for video in videos:
        for person in video.people:
            homes[person].add(video.split)
    leaking = sorted(person for person, splits in homes.items() if len(splits) > 1)
    if leaking:
        shown = ", ".join(f"{person} ({', '.join(sorted(homes[person]))})" for person in leaking[:3])
        raise IdentityLeak(f"{len(leaking)} identities are in more than one split: {shown}.")


def refuse_same_files(videos: Sequence[Video], store: Store) -> None:
    """Copies are told by what was extracted; within a split, under one label, they are nobody's harm."""
    first: dict[str, Video] = {}
    for video in videos:
        record = store.record(video.video_id)
        if record is None:
            continue
        other = first.setdefault(record.source_sha256, video)
        if (other.split, other.label) != (video.split, video.label):
            places = " and ".join(f"{one.video_id} ({one.split}, {CALLED[one.label]})" for one in (other, video))
            raise SameFile(f"{places} are the same file: leave one of them out.")


def split_by_identity(videos: Sequence[Video], shares: Mapping[Split, float], seed: int = 0) -> list[Video]:
    """Deal whole groups to splits so that each gets about its share of the videos; the same seed deals the same."""
    wanted = {split: shares.get(split, 0.0) for split in SPLITS}
    if abs(sum(wanted.values()) - 1) > 1e-6 or min(wanted.values()) < 0:
        raise ValueError(f"the shares of the splits must add up to 1, not {sum(wanted.values())}")
    dealt = groups(videos)
    random.Random(seed).shuffle(dealt)
    dealt.sort(key=len, reverse=True)  # the large ones first, while there is room everywhere
    filled = dict.fromkeys(SPLITS, 0)
    home: dict[str, Split] = {}
    for group in dealt:
        split = max(SPLITS, key=lambda name: wanted[name] * len(videos) - filled[name])
        filled[split] += len(group)
        home |= {video.video_id: split for video in group}
    return [video.model_copy(update={"split": home[video.video_id]}) for video in videos]


def count_of(videos: Sequence[Video]) -> dict[str, dict[str, int]]:
    """How many real and fake videos each split holds."""
    return {
        split: {
            "real": sum(video.split == split and video.label == 0 for video in videos),
            "fake": sum(video.split == split and video.label == 1 for video in videos),
        }
        for split in SPLITS
    }
