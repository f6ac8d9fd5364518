"""Names that clients rely on. A change here is a change of the contract, never a side effect."""

from __future__ import annotations

import pytest

from functions.core.contracts import PROGRESS, ErrorCode, JobView, Metadata, Stage, Status
from infra.local.package import load_template
from model_src.preprocess.limits import Limits
from model_src.verdict.prediction import AnomalousFrame, Prediction
from tests.rejections import REJECTION_CODES

STATUSES = {"pending", "processing", "completed", "failed"}
STAGES = ["awaiting_upload", "queued", "validating", "splitting", "scoring", "aggregating", "calibrating"]
STAGES += ["explaining", "done"]
CODES_PROMISED = {
    "unsupported_container", "unsupported_codec", "corrupt_video", "resolution_out_of_range", "too_short", "too_long",
    "too_large", "no_video_stream", "no_face", "multiple_faces", "too_few_usable_frames", "inference_failed",
    "inference_timeout", "internal_error",
}  # fmt: skip
PREDICTION = {
    "overall_class", "overall_confidence", "manipulation_confidence", "confidence_interval", "uncertainty_score",
    "modality_agreement", "modality_contribution", "modality_disagreement", "lip_sync_score", "needs_human_review",
    "anomalous_frames", "audio_anomalies", "frame_confidences_url", "window_confidences",
}  # fmt: skip


def test_statuses_stages_and_codes_are_the_promised_ones() -> None:
    assert {status.value for status in Status} == STATUSES
    assert [stage.value for stage in Stage] == STAGES
    assert {code.value for code in ErrorCode} == CODES_PROMISED


def test_stages_come_in_the_order_of_their_progress() -> None:
    assert list(PROGRESS) == list(Stage)
    assert list(PROGRESS.values()) == sorted(set(PROGRESS.values()))


def test_every_reason_to_reject_a_video_is_a_code_of_the_contract() -> None:
    assert set(REJECTION_CODES) <= CODES_PROMISED


@pytest.mark.parametrize(
    ("model", "promised"),
    [
        (Prediction, PREDICTION),
        (AnomalousFrame, {"frame_id", "timestamp", "confidence", "saliency_url"}),
        (Metadata, {"processing_time_sec", "video_duration_sec", "frames_analyzed", "model_version", "trained"}),
        (JobView, {"job_id", "status", "stage", "progress", "prediction", "metadata", "error"}),
    ],
)
def test_every_promised_field_is_there(model: type, promised: set[str]) -> None:
    assert promised <= set(model.model_fields)  # type: ignore[attr-defined]


def test_what_is_accepted_here_is_what_the_service_accepts() -> None:
    """aura probe and aura score go by the defaults, the service by its template."""
    parameters, limits = load_template()["Parameters"], Limits()
    assert parameters["MaxUploadBytes"]["Default"] == limits.max_bytes
    assert parameters["MaxVideoSeconds"]["Default"] == limits.max_seconds
