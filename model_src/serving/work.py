"""What can be asked of the model: a chunk, a picture, a whole video. Bytes in, an answer out, on the scoring thread."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from statistics import fmean

from model_src.preprocess.chunk import Chunk
from model_src.serving.errors import InferenceFailed, TooSlow
from model_src.serving.scorer import Scorer
from model_src.verdict.aggregate import UnusableScores, aggregate
from model_src.verdict.calibrate import calibrate, pick, probability
from model_src.verdict.scores import ChunkScores

DIGITS = 6
VIDEO_SECONDS = 600  # as long as the longest video lasts


@dataclass(frozen=True)
class Reply:
    json: str
    fake_probability: float | None  # for the log


Work = Callable[[Scorer, bytes], Reply]


def score_chunk(scorer: Scorer, body: bytes) -> Reply:
    """A chunk -> ChunkScores."""
    scores = scorer.score_chunk(Chunk.from_bytes(body))
    fakes = [probability(window.logit, scorer.calibration) for window in scores.windows]
    return Reply(scores.model_dump_json(), round(fmean(fakes), DIGITS) if fakes else None)


def score_image(scorer: Scorer, body: bytes) -> Reply:
    """A picture with one face -> what its face looks like by itself."""
    from model_src.preprocess.still import chunk_of_image  # face detection: not needed to score chunks

    chunk = chunk_of_image(body)
    scores = scorer.score_chunk(chunk)
    if not scores.frames:
        raise InferenceFailed("The model does not look at pictures.")
    frame = scores.frames[0]
    fake = round(probability(frame.logit, scorer.calibration), DIGITS)
    overall_class, confidence = pick(fake)
    answer = {
        "class": overall_class,
        "confidence": confidence,
        "fake_probability": fake,
        "logit": frame.logit,
        "face": {
            "box": chunk.boxes[0].tolist(),
            "transform": frame.transform,
            "saliency": frame.saliency,
            "regions": [found.model_dump() for found in frame.regions],
        },
        "model_version": scores.model_version,
        "trained": scores.trained,
        "weights_sha256": scores.weights_sha256,
    }
    return Reply(json.dumps(answer), fake)


def missing_for_videos() -> list[str]:
    """The libraries that reading whole videos takes and this machine lacks; the container carries none of them."""
    return [name for name in ("av", "silero_vad") if not find_spec(name)]


def score_video(scorer: Scorer, body: bytes) -> Reply:
    """A whole video file -> the verdict and how the video was split. For local use, within VIDEO_SECONDS.

    A decoder that hangs is stopped by the sandbox it runs in; here the time is looked at after every chunk.
    """
    from model_src.preprocess.split import split_video  # decoding: not needed to score chunks

    scores: list[ChunkScores] = []
    until = time.monotonic() + VIDEO_SECONDS

    def score(chunk: Chunk) -> None:
        if time.monotonic() > until:
            raise TooSlow(f"The video was not scored within {VIDEO_SECONDS} seconds; a shorter one may be.")
        scores.append(scorer.score_chunk(chunk))

    with tempfile.NamedTemporaryFile(prefix="aura-video-") as file:
        file.write(body)
        file.flush()
        report = split_video(Path(file.name), score).to_dict()
    try:
        video = aggregate(scores, report["duration"])
    except UnusableScores as error:
        raise InferenceFailed(str(error)) from error
    prediction = calibrate(video)
    answer = {
        "prediction": prediction.model_dump(mode="json"),
        "video": report,
        "model_version": video.model_version,
        "trained": video.trained,
        "weights_sha256": video.weights_sha256,
    }
    return Reply(json.dumps(answer), prediction.manipulation_confidence)
