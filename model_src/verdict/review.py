"""When a verdict is not enough and a person should look, and why."""

from __future__ import annotations

from model_src.verdict.prediction import Prediction, ReviewReason

REJECT_BELOW = 0.6  # a verdict less sure than this is 'uncertain'
LONG = 4.0  # seconds that look manipulated on end, in a video that is real on the whole


def reviewed(prediction: Prediction) -> Prediction:
    """The verdict is about the whole video: a part that was forged hardly moves it, the less the longer the video."""
    low, high = prediction.confidence_interval or (prediction.manipulation_confidence,) * 2
    found: dict[ReviewReason, bool] = {
        "uncertain": prediction.overall_class == "uncertain",
        "in_doubt": {"real": 1 - high, "fake": low, "uncertain": 1.0}[prediction.overall_class] < REJECT_BELOW,
        "face_not_judged": "video" not in prediction.modalities,
        "suspicious_stretch": prediction.overall_class == "real"
        and any(segment.end - segment.start >= LONG for segment in prediction.segments),
    }
    reasons = [reason for reason, holds in found.items() if holds]
    return prediction.model_copy(update={"needs_human_review": bool(reasons), "review_reasons": reasons})
