"""What codecs, sizes and noise do to the model: the videos are made anew each way, then split and scored as always."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from model_src.data.video import Video
from model_src.evaluation.counted import counted
from model_src.evaluation.score import score_videos
from model_src.preprocess.errors import VideoRejected
from model_src.serving.predictor import Predictor
from model_src.studies.compare import Judgement, judge
from model_src.studies.conditions import Condition, can_be_stored
from model_src.studies.material import described
from model_src.studies.remake import NotRemade, remake
from model_src.studies.remember import folder_name
from model_src.studies.table import JUDGED, STAR, Table, share, signed
from model_src.studies.video_score import Pairs, Scores, VideoScore, remembered_scores
from model_src.verdict.aggregate import VideoScores

CLEAN = "as it is"


@dataclass(frozen=True)
class Endured:
    """One condition. Shifts are of the log-odds of fake; shares are of the videos that were scored both ways."""

    condition: str
    found: Judgement
    left_out: Mapping[str, int]
    mean_shift: float | None = None
    shift_of_reals: float | None = None
    shift_of_fakes: float | None = None
    flipped: float | None = None  # verdicts that went from real to fake or back
    changed: float | None = None  # verdicts that are another, 'uncertain' among them

    def record(self) -> dict[str, Any]:
        return {**vars(self), "left_out": dict(self.left_out), "found": None} | self.found.model_dump()


def robustness(
    predictor: Predictor, weights: str, videos: Sequence[Video], conditions: Mapping[str, Condition], folder: Path
) -> list[Endured]:
    """The videos as they are first. Scores are kept in the folder: what was interrupted goes on."""

    def scores_of(name: str, condition: Condition | None) -> Scores:
        made_from = [weights, described(videos, None), name]  # a condition's name says its strength
        pairs = lambda: tqdm(under(condition, predictor, videos), total=len(videos), desc=name, leave=False)  # noqa: E731
        return remembered_scores(folder / f"{folder_name(name)}.json", made_from, pairs)

    clean = scores_of(CLEAN, None)
    rows = [Endured(CLEAN, judge(clean.videos), clean.left_out)]
    for name, condition in conditions.items():
        if can_be_stored(condition):
            rows.append(compared(name, clean, scores_of(name, condition)))
        else:
            rows.append(Endured(name, Judgement(videos=0), {f"no encoder {condition.codec}": len(videos)}))
    return rows


def under(condition: Condition | None, predictor: Predictor, videos: Sequence[Video]) -> Pairs:
    if condition is None:
        yield from score_videos(predictor, videos)
        return
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "remade"
        for video in videos:
            yield video, one_under(condition, predictor, video, target)


def one_under(condition: Condition, predictor: Predictor, video: Video, target: Path) -> VideoScores | str:
    if not video.path.is_file():
        return "missing_file"
    try:
        remake(video.path, target, condition)
    except VideoRejected as rejection:
        return rejection.code
    except NotRemade as why:
        return str(why)
    ((_, scores),) = score_videos(predictor, [video.model_copy(update={"path": target})])
    return scores


def compared(name: str, clean: Scores, changed: Scores) -> Endured:
    before = {score.video_id: score for score in clean.videos}
    pairs = [(before[score.video_id], score) for score in changed.videos if score.video_id in before]
    verdicts = [(one.verdict, other.verdict) for one, other in pairs]
    return Endured(
        name,
        judge(changed.videos, clean.videos),
        changed.left_out,
        mean_shift=shift(pairs),
        shift_of_reals=shift([pair for pair in pairs if pair[0].label == 0]),
        shift_of_fakes=shift([pair for pair in pairs if pair[0].label == 1]),
        flipped=part([set(pair) == {"real", "fake"} for pair in verdicts]),
        changed=part([one != other for one, other in verdicts]),
    )


def shift(pairs: Sequence[tuple[VideoScore, VideoScore]]) -> float | None:
    return float(np.mean([other.logit - one.logit for one, other in pairs])) if pairs else None


def part(flags: Sequence[bool]) -> float | None:
    return float(np.mean(flags)) if flags else None


def table_of(rows: Sequence[Endured], title: str) -> Table:
    return Table(
        title,
        ["condition", *list(JUDGED)[:3], "reals", "fakes", "flipped", "changed"],
        [
            [
                row.condition,
                *(form(row.found) for form in list(JUDGED.values())[:3]),
                signed(row.shift_of_reals),
                signed(row.shift_of_fakes),
                share(row.flipped),
                share(row.changed),
            ]
            for row in rows
        ],
        [row.record() for row in rows],
        [STAR, LEGEND, *left_out(rows)],
    )


LEGEND = (
    "reals, fakes: mean shift of their log-odds of fake. flipped: verdicts from real to fake or back; "
    "changed: also to and from uncertain."
)


def left_out(rows: Sequence[Endured]) -> Iterator[str]:
    for row in rows:
        if row.left_out:
            yield f"{row.condition}: left out {counted(row.left_out)}."
