"""What a study keeps of a scored video: one line each, enough to compare two models on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict
from tqdm import tqdm

from model_src.data.store import Store
from model_src.data.video import Label, Video
from model_src.evaluation.score import Scored, collect, load_predictor, score_videos
from model_src.models.device import best_device
from model_src.preprocess.checksum import sha256
from model_src.serving.manifest import MANIFEST
from model_src.studies.material import described
from model_src.studies.remember import remembered
from model_src.verdict.aggregate import VideoScores
from model_src.verdict.calibrate import pick, probability
from model_src.verdict.prediction import OverallClass
from model_src.verdict.scores import Calibration


class VideoScore(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    video_id: str
    label: Label
    source: str
    group: str  # the people tied together, drawn together in a bootstrap
    logit: float  # log-odds of fake
    verdict: OverallClass


class Scores(BaseModel):
    videos: list[VideoScore]
    left_out: dict[str, int]  # by reason


Pairs = Iterable[tuple[Video, VideoScores | str]]


def score_once(
    checkpoint: Path, videos: Sequence[Video], store: Store | None, file: Path, device: str | None = None
) -> Scores:
    """Scores of the videos, kept in the file for the same weights, videos and kind of device."""

    def score() -> Pairs:
        pairs = score_videos(load_predictor(checkpoint, device), videos, store)
        return tqdm(pairs, total=len(videos), desc="scoring", leave=False)

    made_from = [weights_of(checkpoint), described(videos, store), str(store and store.root), device or best_device()]
    return remembered_scores(file, made_from, score)


def remembered_scores(file: Path, made_from: object, score: Callable[[], Pairs]) -> Scores:
    def make() -> dict[str, object]:
        scored, missing = collect(iter(score()))
        return Scores(videos=[in_short(entry) for entry in scored], left_out=dict(missing)).model_dump(mode="json")

    return Scores.model_validate(remembered(file, made_from, make))


def weights_of(checkpoint: Path) -> str:
    """Which weights they are: of a packaged model its manifest names the hashes of all files."""
    return sha256(checkpoint / MANIFEST if checkpoint.is_dir() else checkpoint)


def in_short(scored: Scored) -> VideoScore:
    return in_short_of(scored.video, scored.group, scored.scores.logit, scored.scores.calibration)


def in_short_of(video: Video, group: str, logit: float, calibration: Calibration | None = None) -> VideoScore:
    return VideoScore(
        video_id=video.video_id,
        label=video.label,
        source=video.source,
        group=group,
        logit=logit,
        verdict=pick(probability(logit, calibration or Calibration()))[0],
    )
