"""The verdict as the contract spells it: what an analyst reads and a client parses."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from model_src.verdict.scores import AudioAnomaly, Finite, Frozen, Probability, RegionShare

OverallClass = Literal["real", "fake", "uncertain"]
Modality = Literal["video", "audio"]
ReviewReason = Literal["uncertain", "in_doubt", "face_not_judged", "suspicious_stretch"]


class AnomalousFrame(Frozen):
    """One of the frames that look most manipulated, with a picture of where."""

    frame_id: int = Field(ge=0, description="index on the sampling grid: frame_id / frames per second is its time")
    timestamp: Finite
    confidence: Probability
    saliency_url: str | None = Field(default=None, description="link to the original frame with the heat map over it")
    regions: list[RegionShare] = Field(
        default_factory=list,
        description="where in the face it comes from, the strongest first: how much each region speaks for fake, as a "
        "share of all; edge is the outline of the face, surroundings what lies around it; empty: no map",
    )


class FrameConfidence(Frozen):
    """The fake probability of one sampled frame, from the picture alone."""

    frame_id: int
    timestamp: Finite
    confidence: Probability


class WindowConfidence(Frozen):
    """The fake probability of one window: both modalities together, then each alone."""

    start: Finite
    end: Finite
    fake: Probability
    video: Probability | None = None
    audio: Probability | None = None


class Segment(Frozen):
    """A span of seconds that looks manipulated."""

    start: Finite
    end: Finite
    confidence: Probability


class Prediction(Frozen):
    """What we say about a video, and why."""

    overall_class: OverallClass
    overall_confidence: Probability = Field(description="calibrated probability of the class that was picked")
    manipulation_confidence: Probability = Field(description="calibrated probability of fake")
    confidence_interval: tuple[Probability, Probability] | None = Field(
        description="how far the fake probability moves when parts of the model are silenced: its own doubt, no bound "
        "on how wrong it can be"
    )
    uncertainty_score: float | None = Field(
        ge=0, description="variance over mean of the fake probability when parts of the model are silenced; 0: none"
    )
    model_confidences: list[Probability] = Field(
        default_factory=list, description="fake by each model of an ensemble; empty where one model decides"
    )
    video_confidence: Probability | None = Field(default=None, description="fake by the picture alone")
    audio_confidence: Probability | None = Field(default=None, description="fake by the sound alone")
    modality_agreement: Probability | None = Field(description="null when the video has only one modality")
    modality_contribution: float = Field(ge=-1, le=1, description="positive: the picture decided; negative: the sound")
    modality_disagreement: Probability | None = Field(description="1 - modality_agreement")
    lip_sync_score: Probability | None
    needs_human_review: bool
    review_reasons: list[ReviewReason] = Field(
        default_factory=list,
        description="uncertain: too unsure for a class; in_doubt: too unsure at the far end of confidence_interval; "
        "face_not_judged: the sound decided alone; "
        "suspicious_stretch: real on the whole, and some seconds on end look manipulated",
    )
    modalities: list[Modality]
    anomalous_frames: list[AnomalousFrame]
    audio_anomalies: list[AudioAnomaly]
    segments: list[Segment] = Field(description="the seconds that look manipulated")
    window_confidences: list[WindowConfidence]
    frame_confidences_url: str | None = None
