"""Is it the face that decides, or something beside it?

Two answers: does a bare statistic tell real from fake as well as the model does, and does the verdict change when
something beside the face does?
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from model_src.data.identities import group_names
from model_src.data.store import Store
from model_src.data.video import Video
from model_src.evaluation.difference import RESAMPLES
from model_src.evaluation.score import each_chunk
from model_src.preprocess.chunk import Chunk
from model_src.studies.bare_statistics import STATISTICS, BareStatistics
from model_src.studies.beside_face import CHANGES
from model_src.studies.compare import Judgement, judge
from model_src.studies.robustness import part
from model_src.studies.table import NONE, Table, number, share, signed, span
from model_src.studies.video_score import VideoScore, in_short_of
from model_src.verdict.aggregate import UnusableScores, VideoScores, aggregate
from model_src.verdict.calibrate import calibrate
from model_src.verdict.scores import ChunkScores

MODEL, ALL = "model", "all"
FEWEST = 3  # videos whose order says anything


@dataclass(frozen=True)
class Seen:
    """One video: what the model says, what its bare statistics are, what the model says after each change."""

    scores: VideoScores
    statistics: Mapping[str, float]  # those that are known
    changed: Mapping[str, VideoScores]  # the changes that could be made


@dataclass(frozen=True)
class Ranking:
    """How well the model, or a statistic taken for a score, tells the fakes of a source from its reals."""

    source: str
    by: str
    real: int
    fake: int
    found: Judgement
    pairs: int  # a real and a fake of the same people; 0 where a fake has no such partner
    ranked_right: float | None  # share of the pairs
    like_model: float | None  # Spearman correlation with the model's log-odds over the reals

    def record(self) -> dict[str, Any]:
        about: dict[str, Any] = {"source": self.source, "by": self.by, "real": self.real, "fake": self.fake}
        about |= {"auc": self.found.auc, "interval": self.found.interval}
        return about | {"pairs": self.pairs, "ranked_right": self.ranked_right, "like_model": self.like_model}


@dataclass(frozen=True)
class Swayed:
    """What one change does to the verdicts of the videos it could be made to."""

    change: str
    videos: int
    shift: float | None  # mean absolute, of the calibrated probability
    changed: float | None  # share of the classes that are another, 'uncertain' among them
    real_to_fake: int
    fake_to_real: int


def look(score: Callable[[Chunk], ChunkScores], video: Video, store: Store | None) -> Seen:
    """One pass over the video's chunks; raises as scoring it does."""
    plain: list[ChunkScores] = []
    changed: dict[str, list[ChunkScores]] = {name: [] for name in CHANGES}
    touched: set[str] = set()
    statistics = BareStatistics()

    def keep(chunk: Chunk) -> None:
        plain.append(score(chunk))
        statistics.add(chunk)
        for name, change in CHANGES.items():
            if change.concerns(chunk):
                touched.add(name)
                changed[name].append(score(change.make(chunk)))
            else:
                changed[name].append(plain[-1])

    duration = each_chunk(video, store, keep)
    scores = aggregate(plain, duration)
    after: dict[str, VideoScores] = {}
    for name in touched:
        with suppress(UnusableScores):  # a recording that is muted
            after[name] = aggregate(changed[name], duration)
    return Seen(scores, statistics.of(video.path), after)


def rankings(seen: Sequence[tuple[Video, Seen]], *, resamples: int = RESAMPLES) -> list[Ranking]:
    """Source by source, then all where there are several: the model first, then the statistics that are known."""
    home = group_names([video for video, _ in seen])
    scores: dict[str, list[VideoScore]] = defaultdict(list)
    for video, one in seen:
        for by, value in {MODEL: one.scores.logit, **one.statistics}.items():
            scores[by].append(in_short_of(video, home[video.video_id], value))
    sources = sorted({video.source for video, _ in seen})
    rows = []
    for source in [*sources, ALL] if len(sources) > 1 else sources:
        own = {by: [entry for entry in found if source in (entry.source, ALL)] for by, found in scores.items()}
        rows += [ranking(source, by, own[by], own[MODEL], resamples) for by in (MODEL, *STATISTICS) if own.get(by)]
    return rows


def ranking(source: str, by: str, own: Sequence[VideoScore], model: Sequence[VideoScore], resamples: int) -> Ranking:
    fakes = sum(score.label for score in own)
    said = {score.video_id: score.logit for score in model}
    reals = [(score.logit, said[score.video_id]) for score in own if not score.label]
    right = ranked_right(own)
    return Ranking(
        source,
        by,
        len(own) - fakes,
        fakes,
        judge(own, resamples=resamples),
        len(right),
        float(np.mean(right)) if right else None,
        None if by == MODEL else rank_correlation(reals),
    )


def ranked_right(scores: Sequence[VideoScore]) -> list[float]:
    """Every real with every fake of the same people and source: 1 if the fake is higher, half for equals.

    Nothing where a fake has no real partner: the pairs would speak of a part of the fakes.
    """
    tied: dict[tuple[str, str], tuple[list[float], list[float]]] = defaultdict(lambda: ([], []))
    for score in scores:
        tied[score.source, score.group][score.label].append(score.logit)
    if any(fakes and not reals for reals, fakes in tied.values()):
        return []
    return [(np.sign(fake - real) + 1) / 2 for reals, fakes in tied.values() for real in reals for fake in fakes]


def rank_correlation(pairs: Sequence[tuple[float, float]]) -> float | None:
    """Spearman's, of two values of the same videos. None where they are few, or where one is always the same."""
    if len(pairs) < FEWEST:
        return None
    one, other = (mean_ranks(values) for values in zip(*pairs, strict=True))  # [N], [N]
    if not one.std() or not other.std():
        return None
    return float(np.corrcoef(one, other)[0, 1])


def mean_ranks(values: ArrayLike) -> np.ndarray:
    """[N] -> [N]; equals share the mean of their ranks."""
    ordered = np.sort(values)
    return (np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")) / 2


def swayed(seen: Sequence[Seen]) -> list[Swayed]:
    """Change by change, over the videos that it could be made to."""

    def both(change: str) -> list[tuple[VideoScores, VideoScores]]:
        return [(one.scores, one.changed[change]) for one in seen if change in one.changed]

    return [compared(change, both(change)) for change in CHANGES]


def compared(change: str, pairs: Sequence[tuple[VideoScores, VideoScores]]) -> Swayed:
    verdicts = [(calibrate(before), calibrate(after)) for before, after in pairs]
    shifts = [abs(after.manipulation_confidence - before.manipulation_confidence) for before, after in verdicts]
    classes = [(before.overall_class, after.overall_class) for before, after in verdicts]
    return Swayed(
        change,
        len(pairs),
        float(np.mean(shifts)) if shifts else None,
        part([before != after for before, after in classes]),
        classes.count(("real", "fake")),
        classes.count(("fake", "real")),
    )


def table_of_rankings(rows: Sequence[Ranking], title: str, notes: Sequence[str] = ()) -> Table:
    def right(row: Ranking) -> str:
        return f"{share(row.ranked_right)} of {row.pairs}" if row.pairs else NONE

    return Table(
        title,
        ["source", "real", "fake", "AUC", "95 %", "pairs right", "like model"],
        [
            [
                name_of(row),
                str(row.real),
                str(row.fake),
                number(row.found.auc),
                span(row.found.interval),
                right(row),
                signed(row.like_model),
            ]
            for row in rows
        ],
        [row.record() for row in rows],
        [RANKINGS_LEGEND, *notes],
    )


def name_of(row: Ranking) -> str:
    return row.source if row.by == MODEL else f"· {row.by}"


RANKINGS_LEGEND = (
    "A source's own line is the model's. With a dot: a bare statistic, its higher value taken for fake; 0.2 tells as "
    "much as 0.8. pairs right: fakes above a real of the same people. like model: rank correlation with the model's "
    "score over the reals."
)


def table_of_changes(rows: Sequence[Swayed], title: str) -> Table:
    return Table(
        title,
        ["change", "videos", "shift", "changed", "to fake", "to real"],
        [
            [
                row.change,
                str(row.videos),
                number(row.shift),
                share(row.changed),
                str(row.real_to_fake),
                str(row.fake_to_real),
            ]
            for row in rows
        ],
        [vars(row) for row in rows],
        [CHANGES_LEGEND],
    )


CHANGES_LEGEND = (
    "shift: of the calibrated probability of fake, the mean of its size. changed: verdicts, to and from uncertain too; "
    "to fake: from real; to real: from fake. Of the videos that the change could be made to."
)
