"""From log-odds to probabilities that mean what they say, and from those to real, fake or uncertain."""

from __future__ import annotations

import math
from collections.abc import Sequence

from model_src.verdict.aggregate import VideoScores
from model_src.verdict.agreement import modality_agreement, modality_contribution
from model_src.verdict.moments import most_suspicious
from model_src.verdict.prediction import (
    AnomalousFrame,
    FrameConfidence,
    Modality,
    OverallClass,
    Prediction,
    WindowConfidence,
)
from model_src.verdict.review import REJECT_BELOW, reviewed
from model_src.verdict.scores import Calibration, FrameScore
from model_src.verdict.segments import merge_spans, suspicious_segments

DIGITS = 6
MODALITIES: tuple[Modality, Modality] = ("video", "audio")


def probability(logit: float, calibration: Calibration) -> float:
    """sigmoid(scale * logit + bias), written so that no logit however large overflows."""
    z = calibration.scale * logit + calibration.bias
    return 1 / (1 + math.exp(-z)) if z >= 0 else math.exp(z) / (1 + math.exp(z))


def calibrate(scores: VideoScores) -> Prediction:
    """The verdict. How likely the video, its windows and frames are fake is calibrated, by what belongs to the weights.

    Lip sync and the anomalies of the sound are what the model says of them.
    """

    def p(logit: float) -> float:
        return round(probability(logit, scores.calibration), DIGITS)

    def p_or_none(logit: float | None) -> float | None:
        return None if logit is None else p(logit)

    fake = p(scores.logit)
    overall_class, confidence = pick(fake)
    passes = [p(logit) for logit in scores.passes]
    video, audio = p_or_none(scores.video_logit), p_or_none(scores.audio_logit)
    agreement = modality_agreement(video, audio)
    windows = [
        WindowConfidence(
            start=w.start, end=w.end, fake=p(w.logit), video=p_or_none(w.video_logit), audio=p_or_none(w.audio_logit)
        )
        for w in scores.windows
    ]
    prediction = Prediction(
        overall_class=overall_class,
        overall_confidence=confidence,
        manipulation_confidence=fake,
        confidence_interval=interval(fake, passes),
        uncertainty_score=uncertainty(passes),
        model_confidences=[p(logit) for logit in scores.members],
        video_confidence=video,
        audio_confidence=audio,
        modality_agreement=agreement,
        modality_contribution=modality_contribution(video, audio, fake),
        modality_disagreement=None if agreement is None else round(1 - agreement, DIGITS),
        lip_sync_score=None if scores.lip_sync is None else round(scores.lip_sync, DIGITS),
        needs_human_review=False,
        modalities=[name for name, value in zip(MODALITIES, (video, audio), strict=True) if value is not None],
        anomalous_frames=anomalous_frames(scores),
        audio_anomalies=merge_spans(scores.audio_anomalies),
        segments=suspicious_segments(windows),
        window_confidences=windows,
    )
    return reviewed(prediction)


def frame_confidences(scores: VideoScores) -> list[FrameConfidence]:
    """The fake probability of every sampled frame, in the order of time."""
    return [confidence_of(frame, scores.calibration) for frame in scores.frames]


def anomalous_frames(scores: VideoScores) -> list[AnomalousFrame]:
    """Chosen among those that the chunks offered: these can be shown with what spoke for fake."""
    offered = [frame for frame in scores.frames if frame.saliency is not None]
    chosen = most_suspicious([f.timestamp for f in offered], [f.logit for f in offered])  # probabilities round alike
    return [
        AnomalousFrame(**dict(confidence_of(frame, scores.calibration)), regions=frame.regions)
        for frame in (offered[place] for place in chosen)
    ]


def confidence_of(frame: FrameScore, calibration: Calibration) -> FrameConfidence:
    confidence = round(probability(frame.logit, calibration), DIGITS)
    return FrameConfidence(frame_id=frame.frame_id, timestamp=frame.timestamp, confidence=confidence)


def pick(fake: float) -> tuple[OverallClass, float]:
    """The class with the larger probability, unless that is under the reject threshold."""
    confidence = max(fake, round(1 - fake, DIGITS))
    if confidence < REJECT_BELOW:
        return "uncertain", confidence
    return ("fake" if fake > 0.5 else "real"), confidence


def interval(fake: float, passes: Sequence[float]) -> tuple[float, float] | None:
    """95 % interval of the fake probability over the MC-dropout passes; it always holds the reported value."""
    if not passes:
        return None
    mean, deviation = moments(passes)
    low, high = mean - 1.96 * deviation, mean + 1.96 * deviation
    return round(max(0.0, min(low, fake)), DIGITS), round(min(1.0, max(high, fake)), DIGITS)


def uncertainty(passes: Sequence[float]) -> float | None:
    """Variance over mean of the passes: how much the model contradicts itself when parts of it are silenced."""
    if not passes:
        return None
    mean, deviation = moments(passes)
    return round(deviation**2 / mean, DIGITS) if mean > 0 else 0.0


def moments(values: Sequence[float]) -> tuple[float, float]:
    mean = sum(values) / len(values)
    return mean, math.sqrt(sum((value - mean) ** 2 for value in values) / len(values))
