"""Do the picture and the sound tell the same story, and which of them decided?"""

from __future__ import annotations


def modality_agreement(video: float | None, audio: float | None) -> float | None:
    """max(min(v, a), min(1 - v, 1 - a)): 1 when both are sure of the same class, 0 when each is sure of another."""
    if video is None or audio is None:
        return None
    return round(max(min(video, audio), min(1 - video, 1 - audio)), 6)


def modality_contribution(video: float | None, audio: float | None, fake: float) -> float:
    """How much surer the picture (positive) or the sound (negative) is of the class that was picked, in [-1, 1].

    A modality that is missing contributed nothing: the other one decided alone.
    """
    if audio is None:
        return 0.0 if video is None else 1.0
    if video is None:
        return -1.0
    towards_picked = video - audio if fake > 0.5 else audio - video
    return round(towards_picked, 6)
