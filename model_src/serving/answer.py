"""From what the models make of some chunks to what is said about each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from model_src.serving.frame_scores import frame_logits, frame_scores
from model_src.serving.group import Group
from model_src.serving.saliency import moments, saliency
from model_src.serving.sound_anomalies import anomalies, suspicious_steps
from model_src.serving.view import View
from model_src.serving.window_scores import Columns
from model_src.verdict.scores import AudioAnomaly, FrameScore, WindowScore


@dataclass(frozen=True)
class Answer:
    """What is said about one chunk."""

    windows: list[WindowScore] = field(default_factory=list)
    frames: list[FrameScore] = field(default_factory=list)
    audio_anomalies: list[AudioAnomaly] = field(default_factory=list)


def answers(group: Group, views: Sequence[View]) -> list[Answer | Exception]:
    """One for each chunk of the group; what is wrong with a chunk, a number that is none say, fails no other."""
    columns = Columns.of(group, views)
    frames = frame_logits(group, views)  # [N]
    suspicion = suspicious_steps(views)  # [K, A]
    shown = [row for share in group.shares for row in moments(share, frames)]
    heat = saliency(group, views, shown)
    found: list[Answer | Exception] = []
    for share, span in group.windows():
        try:
            answer = Answer(
                columns.scores(share, span),
                frame_scores(share, frames, heat),
                anomalies(share, suspicion[span]) if suspicion is not None else [],
            )
        except Exception as error:  # noqa: BLE001 - whatever it is, the chunk's sender is told
            found.append(error)
        else:
            found.append(answer)
    return found
