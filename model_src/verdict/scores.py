"""What the inference endpoint answers for one chunk: the one shape that serving writes and Aggregate reads."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

SCORES_VERSION: Literal[1] = 1

# Every number is finite: NaN and infinity would poison a mean silently, so they are refused where they enter.
Finite = Annotated[float, Field(allow_inf_nan=False)]
Probability = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class Frozen(BaseModel):
    """What it does not know it passes over: while a deployment rolls out, and after one is taken back, the writer may
    be of a later version than the reader."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class WindowScore(Frozen):
    """One 1-second window. A logit is log-odds of fake: logit(fake) - logit(real), before calibration."""

    index: int = Field(ge=0)
    start: Finite
    end: Finite
    partial: bool = False
    logit: Finite
    video_logit: Finite | None = None
    audio_logit: Finite | None = None
    lip_sync: Probability | None = Field(default=None, description="1: lips and speech agree, 0: they do not")
    passes: list[Finite] = Field(default_factory=list, description="the fused logit of each MC-dropout pass")
    members: list[Finite] = Field(default_factory=list, description="the fused logit of each model of an ensemble")


Region = Literal["eyes", "mouth", "skin", "edge", "surroundings"]  # the edge is the face's


class RegionShare(Frozen):
    """How strongly a region of a face speaks for fake, as a share of what all regions say."""

    region: Region
    share: Probability


class FrameScore(Frozen):
    """One sampled frame: its score from the picture alone and, for the most suspicious, where it came from.

    Where it is change that tells, the score is that of the seconds that hold the frame.
    """

    frame_id: int = Field(ge=0)
    timestamp: Finite
    logit: Finite
    saliency: list[list[Probability]] | None = Field(
        default=None, description="over the crop, rows of 0..1: Grad-CAM, or what each region says"
    )
    regions: list[RegionShare] = Field(default_factory=list, description="the saliency in words, the strongest first")
    transform: list[list[Finite]] | None = Field(default=None, description="2x3 map from video frame to crop")


class AudioAnomaly(Frozen):
    """A stretch of sound that the model finds suspicious."""

    start: Finite
    end: Finite
    score: Probability


class Calibration(Frozen):
    """How a raw logit becomes a probability: p = sigmoid(scale * logit + bias). Temperature T is scale 1/T, bias 0."""

    method: Literal["identity", "temperature", "platt"] = "identity"
    scale: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    bias: Finite = 0.0


class ChunkScores(Frozen):
    """The answer for one chunk. The calibration travels with the scores: the two can never be of different weights."""

    version: Literal[1] = SCORES_VERSION
    model_version: str = Field(min_length=1)
    trained: bool
    weights_sha256: list[str] = Field(
        default_factory=list, description="of the packaged weights of each model; empty: not known"
    )
    calibration: Calibration = Calibration()
    chunk_index: int = Field(ge=0)
    windows: list[WindowScore]
    frames: list[FrameScore]
    audio_anomalies: list[AudioAnomaly] = Field(default_factory=list)
