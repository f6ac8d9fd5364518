"""Scores of whole videos, by the very path that serving takes: Predictor, Aggregate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from model_src.data.identities import group_names
from model_src.data.store import Store
from model_src.data.video import Video
from model_src.models import load_for_inference
from model_src.preprocess.chunk import Chunk
from model_src.preprocess.errors import ChunkInvalid, VideoRejected
from model_src.preprocess.split import split_video
from model_src.serving.load import ModelDirectory, best_device
from model_src.serving.manifest import MANIFEST, sha256
from model_src.serving.predictor import Predictor
from model_src.verdict.aggregate import UnusableScores, VideoScores, aggregate
from model_src.verdict.scores import ChunkScores


class NotExtracted(Exception):
    """The store holds no chunk of the video; the argument says why."""


@dataclass(frozen=True)
class Scored:
    """One video, whom it belongs with, and what the model says about it."""

    video: Video
    group: str  # the people tied together, drawn together in a bootstrap
    scores: VideoScores


def load_predictor(path: Path, device: str | None = None) -> Predictor:
    """A packaged model directory with its calibration, or the bare weights of a checkpoint."""
    if path.is_dir() and (path / MANIFEST).is_file():
        return ModelDirectory(path, keep_networks=True).load()
    version = f"{path.stem}-{sha256(path)[:12]}" if path.is_file() else path.name
    return Predictor(load_for_inference(path), model_version=version, trained=True, device=device or best_device())


def score_videos(
    predictor: Predictor, videos: Sequence[Video], store: Store | None = None
) -> Iterator[tuple[Video, VideoScores | str]]:
    """Every video with its scores, or with the reason why there are none."""
    for video in videos:
        try:
            yield video, score_one(predictor, video, store)
        except (VideoRejected, ChunkInvalid) as rejection:
            yield video, rejection.code
        except NotExtracted as absence:
            yield video, str(absence)
        except UnusableScores:
            yield video, "nothing_to_score"
        except OSError:
            yield video, "missing_file"


def score_one(predictor: Predictor, video: Video, store: Store | None) -> VideoScores:
    parts: list[ChunkScores] = []

    def keep(chunk: Chunk) -> None:
        parts.append(predictor.score_chunk(chunk))

    if store is None:
        duration = split_video(video.path, keep).duration
    else:
        record = store.record(video.video_id)
        if record is None or not record.chunks:
            raise NotExtracted(record.rejected if record and record.rejected else "not_extracted")
        duration = 0.0
        for file in record.chunks:
            chunk = store.read_chunk(video.video_id, file.name)
            keep(chunk)
            duration = max(duration, chunk.end)
        if record.report is not None:  # a picture or a recording was never split: it ends where its chunk does
            duration = float(record.report["duration"])
    return aggregate(parts, duration)


def collect(pairs: Iterator[tuple[Video, VideoScores | str]]) -> tuple[list[Scored], Counter[str]]:
    """The scored videos with their groups, and how many could not be scored, by reason."""
    found: list[tuple[Video, VideoScores]] = []
    missing = Counter[str]()
    for video, scores in pairs:
        if isinstance(scores, str):
            missing[scores] += 1
        else:
            found.append((video, scores))
    home = group_names([video for video, _ in found])
    return [Scored(video, home[video.video_id], scores) for video, scores in found], missing
