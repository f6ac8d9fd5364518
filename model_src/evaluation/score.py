"""Scores of whole videos, by the very path that serving takes: Predictor, Aggregate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from model_src.data.extracted import NotExtracted, record_of
from model_src.data.identities import group_names
from model_src.data.store import Store
from model_src.data.video import Split, Video
from model_src.models import load_for_inference
from model_src.models.device import best_device
from model_src.preprocess.checksum import sha256
from model_src.preprocess.chunk import Chunk
from model_src.preprocess.errors import ChunkInvalid, VideoRejected
from model_src.preprocess.split import split_video
from model_src.serving.manifest import MANIFEST
from model_src.serving.model_directory import ModelDirectory
from model_src.serving.predictor import Predictor
from model_src.verdict.aggregate import UnusableScores, VideoScores, aggregate
from model_src.verdict.scores import ChunkScores

Found = TypeVar("Found")
Tried = tuple[Video, VideoScores | str]
Watch = Callable[[Iterable[Tried], int], Iterable[Tried]]  # hands on the results, and sees how many of all there are


@dataclass(frozen=True)
class Scored:
    """One video, whom it belongs with, and what the model says about it."""

    video: Video
    group: str  # the people tied together, drawn together in a bootstrap
    scores: VideoScores


def load_predictor(path: Path, device: str | None = None) -> Predictor:
    """A packaged model directory with its calibration, or the bare weights of a checkpoint."""
    if path.is_dir() and (path / MANIFEST).is_file():
        return ModelDirectory(path, keep_networks=True, device=device).load()
    version = f"{path.stem}-{sha256(path)[:12]}" if path.is_file() else path.name
    return Predictor(load_for_inference(path), model_version=version, trained=True, device=device or best_device())


def score_split(
    predictor: Predictor,
    videos: Iterable[Video],
    split: Split,
    store: Store | None,
    watch: Watch | None = None,
) -> tuple[list[Scored], Counter[str]]:
    """The videos of the split that can be scored, and how many cannot, by reason."""
    chosen = [video for video in videos if video.split == split]
    results = score_videos(predictor, chosen, store)
    return collect(watch(results, len(chosen)) if watch else results)


def score_videos(predictor: Predictor, videos: Iterable[Video], store: Store | None = None) -> Iterator[Tried]:
    """Every video with its scores, or with the reason why there are none."""
    return tried(videos, lambda video: score_one(predictor, video, store))


def tried(videos: Iterable[Video], do: Callable[[Video], Found]) -> Iterator[tuple[Video, Found | str]]:
    """Every video with what was found of it, or with the reason why nothing was."""
    for video in videos:
        try:
            yield video, do(video)
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
    duration = each_chunk(video, store, lambda chunk: parts.append(predictor.score_chunk(chunk)))
    return aggregate(parts, duration)


def each_chunk(video: Video, store: Store | None, on_chunk: Callable[[Chunk], None]) -> float:
    """Hand over the video's chunks one by one, from the store or else from its file; how many seconds it lasts."""
    if store is None:
        if not video.path.is_file():  # a split calls it corrupt: whoever uploads a file knows that it is there
            raise FileNotFoundError(video.path)
        return split_video(video.path, on_chunk).duration
    record = record_of(video, store)
    end = 0.0
    for file in record.chunks:
        chunk = store.read_chunk(video.video_id, file.name)
        on_chunk(chunk)
        end = max(end, chunk.end)
    # A picture or a recording was never split: it ends where its chunk does.
    return end if record.report is None else float(record.report["duration"])


def collect(pairs: Iterable[tuple[Video, VideoScores | str]]) -> tuple[list[Scored], Counter[str]]:
    """The scored videos with their groups, and how many could not be scored, by reason."""
    found, missing = sorted_out(pairs)
    home = group_names([video for video, _ in found])
    return [Scored(video, home[video.video_id], scores) for video, scores in found], missing


def sorted_out(pairs: Iterable[tuple[Video, Found | str]]) -> tuple[list[tuple[Video, Found]], Counter[str]]:
    """The videos of which something was found, and how many others there were, by reason."""
    kept: list[tuple[Video, Found]] = []
    missing = Counter[str]()
    for video, found in pairs:
        if isinstance(found, str):
            missing[found] += 1
        else:
            kept.append((video, found))
    return kept, missing
