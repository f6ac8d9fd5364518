"""A study of variants: train each under the same seed and budget, score the same videos, compare with the baseline."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from model_src.data.video import Split, Video
from model_src.evaluation.counted import left_out
from model_src.studies.compare import Judgement, judge
from model_src.studies.material import store_of
from model_src.studies.table import JUDGED, STAR, Table
from model_src.studies.train_variant import train_variant
from model_src.studies.variant import BASELINE, Variant
from model_src.studies.video_score import Scores, score_once
from model_src.training.position import Diverged
from model_src.training.settings import TrainSettings

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Study:
    base: TrainSettings
    videos: Sequence[Video]
    out: Path
    data_root: Path | None = None
    split: Split = "val"

    def run(self, variants: Sequence[Variant]) -> list[tuple[str, Judgement, Scores | None]]:
        """The baseline first; a variant that diverges has no scores and stops nobody else."""
        # All before the first is trained for hours: a misspelt setting is found at once.
        planned = [(variant.name, variant.planned(self.base)) for variant in [Variant(BASELINE), *variants]]
        rows: list[tuple[str, Judgement, Scores | None]] = []
        known: list[tuple[TrainSettings, Scores | None]] = []
        for number, (name, settings) in enumerate(planned):
            logger.info("%d of %d: %s", number + 1, len(planned), name)
            same = [scores for before, scores in known if before == settings]
            scores = same[0] if same else self._scores(name, settings)
            known.append((settings, scores))
            baseline = known[0][1]
            compared = baseline.videos if baseline and number else []
            rows.append((name, judge(scores.videos if scores else [], compared), scores))
        return rows

    def _scores(self, name: str, settings: TrainSettings) -> Scores | None:
        try:
            checkpoint = train_variant(name, settings, self.videos, self.out, self.data_root)
        except Diverged as reason:
            logger.warning("%s: %s", name, reason)
            return None
        chosen = [video for video in self.videos if video.split == self.split]
        file = checkpoint.with_name(f"scores_{self.split}.json")
        return score_once(checkpoint, chosen, store_of(settings, self.data_root), file, device_of(settings))


def device_of(settings: TrainSettings) -> str | None:
    return None if settings.device == "auto" else settings.device


def table_of(title: str, rows: Sequence[tuple[str, Judgement, Scores | None]], remarks: Sequence[str] = ()) -> Table:
    missing = next((scores.left_out for _, _, scores in rows if scores and scores.left_out), {})
    notes = [STAR, *left_out(missing)]
    notes += [f"{name}: the loss was no number any more." for name, _, scores in rows if scores is None]
    notes += remarks
    return Table(
        title,
        ["variant", *JUDGED],
        [[name, *(form(found) for form in JUDGED.values())] for name, found, _ in rows],
        [
            {"variant": name, **found.model_dump(), "left_out": scores.left_out if scores else {}}
            for name, found, scores in rows
        ],
        notes,
    )
