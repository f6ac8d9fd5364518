"""From the scores of many chunks to the scores of one video."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pydantic import Field

from model_src.verdict.scores import (
    AudioAnomaly,
    Calibration,
    ChunkScores,
    Finite,
    FrameScore,
    Frozen,
    Probability,
    WindowScore,
)


class UnusableScores(ValueError):
    """The chunks cannot be put together into one honest answer."""


class ModelReplaced(UnusableScores):
    """Some chunks were scored by one model, others by another."""


class VideoScores(Frozen):
    """Everything the model said about one video, still in log-odds, in the order of time."""

    model_version: str
    trained: bool
    weights_sha256: list[str] = Field(default_factory=list)
    calibration: Calibration
    logit: Finite
    video_logit: Finite | None
    audio_logit: Finite | None
    lip_sync: Probability | None
    passes: list[Finite]
    members: list[Finite] = Field(default_factory=list, description="what each model of an ensemble says of the video")
    windows: list[WindowScore] = Field(min_length=1)
    frames: list[FrameScore]
    audio_anomalies: list[AudioAnomaly]


def aggregate(chunks: Iterable[ChunkScores], duration: float) -> VideoScores:
    """The mean of the windows' log-odds, each window weighing as much of a second as it really covers.

    The mean of log-odds (not of probabilities) lets one sure window speak louder than several unsure ones, and does
    not depend on how the video was cut into chunks.
    """
    chunks = sorted(chunks, key=lambda chunk: chunk.chunk_index)
    if not chunks:
        raise UnusableScores("No part of the video was scored.")
    first = chunks[0]
    weights = [chunk.weights_sha256 for chunk in chunks if chunk.weights_sha256]  # an older endpoint tells of none
    same = all((c.model_version, c.calibration) == (first.model_version, first.calibration) for c in chunks)
    if not same or any(each != weights[0] for each in weights):
        raise ModelReplaced("The model was replaced while this video was being scored.")

    frames: dict[int, FrameScore] = {}
    windows: dict[int, WindowScore] = {}
    for chunk in chunks:
        for window in chunk.windows:
            windows.setdefault(window.index, window)
        for frame in chunk.frames:
            frames[frame.frame_id] = of_both(frames.get(frame.frame_id, frame), frame)
    if not windows:
        raise UnusableScores("No window of the video held anything to score.")
    # The last windows are padded past the end of the video; what they say is about the seconds that exist.
    ordered = [w.model_copy(update={"end": min(w.end, duration)}) for _, w in sorted(windows.items())]
    # Who saw and heard nothing says even odds; beside others that would be a vote.
    ordered = [w for w in ordered if w.video_logit is not None or w.audio_logit is not None] or ordered
    anomalies = [a.model_copy(update={"end": min(a.end, duration)}) for chunk in chunks for a in chunk.audio_anomalies]
    logit = weighted_mean([w.logit for w in ordered], ordered)
    if logit is None:
        raise UnusableScores("Every window of the video is empty.")

    return VideoScores(
        model_version=first.model_version,
        trained=all(chunk.trained for chunk in chunks),
        weights_sha256=weights[0] if weights else [],
        calibration=first.calibration,
        logit=logit,
        video_logit=weighted_mean([w.video_logit for w in ordered], ordered),
        audio_logit=weighted_mean([w.audio_logit for w in ordered], ordered),
        lip_sync=weighted_mean([w.lip_sync for w in ordered], ordered),
        passes=mean_of_each([w.passes for w in ordered], ordered),
        members=mean_of_each([w.members for w in ordered], ordered),
        windows=ordered,
        frames=[frames[frame_id] for frame_id in sorted(frames)],
        audio_anomalies=[anomaly for anomaly in anomalies if anomaly.start < anomaly.end],
    )


def of_both(first: FrameScore, second: FrameScore) -> FrameScore:
    """Neighbouring chunks share the frames under the windows that overlap across their border: each saw one half."""
    shown = first if first.saliency is not None else second
    return shown.model_copy(update={"logit": (first.logit + second.logit) / 2})


def weighted_mean(values: Sequence[float | None], windows: Sequence[WindowScore]) -> float | None:
    """The mean over the windows that have the value; None when none has it (a silent video has no audio logit)."""
    pairs = [(value, max(w.end - w.start, 0.0)) for value, w in zip(values, windows, strict=True) if value is not None]
    weight = sum(seconds for _, seconds in pairs)
    return sum(value * seconds for value, seconds in pairs) / weight if weight > 0 else None


def mean_of_each(values: Sequence[Sequence[float]], windows: Sequence[WindowScore]) -> list[float]:
    """One log-odds of the video per MC-dropout pass, or per model: number n is the mean of number n of its windows."""
    means = (weighted_mean([row[n] for row in values], windows) for n in range(min(map(len, values))))
    return [mean for mean in means if mean is not None]
