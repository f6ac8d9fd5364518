"""The rules between scores and verdict, each against its formula."""

from __future__ import annotations

import itertools
import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from model_src.verdict.aggregate import UnusableScores, VideoScores, aggregate
from model_src.verdict.agreement import modality_agreement, modality_contribution
from model_src.verdict.calibrate import calibrate, frame_confidences, interval, pick, probability, uncertainty
from model_src.verdict.prediction import Prediction, WindowConfidence
from model_src.verdict.scores import AudioAnomaly, Calibration, ChunkScores, FrameScore, RegionShare, WindowScore
from model_src.verdict.segments import join, merge_spans, suspicious_segments

unit = st.floats(0, 1)
logits = st.floats(-50, 50)


def chunk(index: int = 0, values: list[float] | None = None, **changes: object) -> ChunkScores:
    values = values if values is not None else [0.0]
    windows = [
        WindowScore(index=10 * index + n, start=n / 2, end=n / 2 + 1, logit=v, video_logit=v, passes=[v - 0.5, v + 0.5])
        for n, v in enumerate(values)
    ]
    frames = [
        FrameScore(frame_id=10 * index + n, timestamp=n / 5, logit=v, saliency=[[1.0]]) for n, v in enumerate(values)
    ]
    return ChunkScores(
        **{"model_version": "m", "trained": True, "chunk_index": index, "windows": windows, "frames": frames} | changes
    )


@given(logits, st.floats(0.1, 10), st.floats(-5, 5))
def test_probability_is_the_sigmoid_of_the_calibrated_logit(logit: float, scale: float, bias: float) -> None:
    expected = 1 / (1 + math.exp(-(scale * logit + bias))) if scale * logit + bias > -700 else 0.0
    assert probability(logit, Calibration(method="platt", scale=scale, bias=bias)) == pytest.approx(expected, abs=1e-12)


def test_no_logit_is_too_large() -> None:
    assert probability(1e308, Calibration()) == 1
    assert probability(-1e308, Calibration()) == 0


@given(unit, unit)
def test_agreement_is_the_contracts_formula_and_does_not_care_who_is_who(v: float, a: float) -> None:
    expected = max(min(v, a), min(1 - v, 1 - a))
    assert modality_agreement(v, a) == pytest.approx(expected, abs=1e-6)
    assert modality_agreement(v, a) == modality_agreement(a, v)


def test_one_modality_alone_neither_agrees_nor_disagrees() -> None:
    assert modality_agreement(0.9, None) is None
    prediction = calibrate(aggregate([chunk(values=[2.0])], 60))
    assert (prediction.modality_agreement, prediction.modality_disagreement) == (None, None)
    assert prediction.modality_contribution == 1
    assert prediction.modalities == ["video"]


@pytest.mark.parametrize(
    ("video", "audio", "fake", "sign"),
    [(0.9, 0.6, 0.8, 1), (0.6, 0.9, 0.8, -1), (0.1, 0.4, 0.2, 1), (0.4, 0.1, 0.2, -1), (0.7, 0.7, 0.7, 0)],
)
def test_contribution_is_positive_when_the_picture_decided(video: float, audio: float, fake: float, sign: int) -> None:
    contribution = modality_contribution(video, audio, fake)
    assert -1 <= contribution <= 1
    assert (contribution > 0) - (contribution < 0) == sign


@given(unit)
def test_the_class_is_the_more_probable_one_unless_it_is_not_sure_enough(fake: float) -> None:
    name, confidence = pick(fake)
    assert confidence == pytest.approx(max(fake, 1 - fake), abs=1e-6)
    assert (name == "uncertain") == (confidence < 0.6)
    if name != "uncertain":
        assert (name == "fake") == (fake > 0.5)


def test_an_unsure_verdict_goes_to_a_person() -> None:
    prediction = calibrate(aggregate([chunk(values=[0.1])], 60))
    assert prediction.overall_class == "uncertain"
    assert prediction.needs_human_review


@given(st.lists(unit, min_size=2, max_size=10), unit)
def test_the_interval_holds_the_reported_value_and_stays_in_range(passes: list[float], fake: float) -> None:
    found = interval(fake, passes)
    assert found is not None
    low, high = found
    assert 0 <= low <= round(fake, 6) + 1e-6
    assert round(fake, 6) - 1e-6 <= high <= 1


def test_uncertainty_is_variance_over_mean_of_the_passes() -> None:
    passes = [0.2, 0.4, 0.9]
    assert uncertainty(passes) == pytest.approx(statistics.pvariance(passes) / statistics.mean(passes), abs=1e-6)
    assert uncertainty([]) is None
    assert uncertainty([0.0, 0.0]) == 0


@given(st.lists(logits, min_size=1, max_size=12), st.integers(1, 11))
def test_how_the_video_was_cut_into_chunks_does_not_matter(values: list[float], cut: int) -> None:
    whole = chunk(values=values)
    parts = [
        whole.model_copy(update={"windows": whole.windows[:cut], "frames": whole.frames[: cut + 1]}),
        whole.model_copy(update={"windows": whole.windows[cut:], "frames": whole.frames[cut:], "chunk_index": 1}),
    ]
    assert aggregate(reversed(parts), 60) == aggregate([whole], 60)


def test_a_partial_window_weighs_what_it_covers() -> None:
    windows = [
        WindowScore(index=0, start=0, end=1, logit=3),
        WindowScore(index=1, start=0.5, end=1, logit=0, partial=True),
    ]
    assert aggregate([chunk(windows=windows)], 60).logit == pytest.approx(2)


def test_padding_past_the_end_of_the_video_neither_weighs_nor_shows() -> None:
    windows = [WindowScore(index=0, start=0, end=1, logit=3), WindowScore(index=1, start=0.5, end=1.5, logit=0)]
    anomalies = [AudioAnomaly(start=0.5, end=1.5, score=0.9), AudioAnomaly(start=1.2, end=1.4, score=0.9)]
    found = aggregate([chunk(windows=windows, audio_anomalies=anomalies)], duration=1)
    assert found.logit == pytest.approx(2)
    assert [window.end for window in found.windows] == [1, 1]
    assert found.audio_anomalies == [AudioAnomaly(start=0.5, end=1, score=0.9)]


def test_nothing_scored_is_an_error_not_a_verdict() -> None:
    with pytest.raises(UnusableScores):
        aggregate([], 60)
    with pytest.raises(UnusableScores):
        aggregate([chunk(windows=[])], 60)


def test_an_endpoint_that_does_not_name_its_weights_yet_is_no_other_model() -> None:
    told = aggregate([chunk(0), chunk(1, weights_sha256=["a"]), chunk(2)], 60)
    assert told.weights_sha256 == ["a"]


@pytest.mark.parametrize("kind", [ChunkScores, VideoScores, Prediction])
def test_what_a_later_version_tells_beside_is_passed_over(kind: type[BaseModel]) -> None:
    """While a deployment rolls out, and after it was taken back, the reader is the older one."""
    scores = chunk(0)
    known = {ChunkScores: scores, VideoScores: aggregate([scores], 60), Prediction: calibrate(aggregate([scores], 60))}
    later = known[kind].model_dump() | {"of_tomorrow": 1}
    assert kind.model_validate(later) == known[kind]


@pytest.mark.parametrize(
    "other",
    [{"calibration": Calibration(method="temperature", scale=0.5)}, {"weights_sha256": ["b"]}, {"model_version": "n"}],
)
def test_scores_of_another_model_are_not_mixed_in_even_if_it_has_the_same_name(other: dict) -> None:
    with pytest.raises(UnusableScores, match="replaced"):
        aggregate([chunk(0, weights_sha256=["a"]), chunk(1, **({"weights_sha256": ["a"]} | other))], 60)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_number_that_is_none_is_refused_where_it_enters(value: float) -> None:
    with pytest.raises(ValidationError):
        WindowScore(index=0, start=0, end=1, logit=value)


def test_the_most_suspicious_frames_are_named_in_order_each_from_another_moment() -> None:
    scores = aggregate([chunk(values=[0.1, 3, -2, 5, 1, 2, 0.5])], 60)
    named = calibrate(scores).anomalous_frames
    assert [frame.frame_id for frame in named] == [3, 6, 0]  # 0.6 s; 1.2 and 0.0 s are the nearest that lie apart
    assert [frame.confidence for frame in named] == sorted((frame.confidence for frame in named), reverse=True)
    assert len(frame_confidences(scores)) == 7


def test_a_named_frame_says_where_in_the_face() -> None:
    where = [RegionShare(region="mouth", share=0.7), RegionShare(region="eyes", share=0.3)]
    frame = FrameScore(frame_id=0, timestamp=0.0, logit=1.0, saliency=[[1.0]], regions=where)
    (named,) = calibrate(aggregate([chunk(frames=[frame])], 60)).anomalous_frames
    assert named.regions == where


def test_five_frames_are_named_and_only_those_that_can_be_shown() -> None:
    frames = [
        FrameScore(frame_id=n, timestamp=float(n), logit=n / 10, saliency=None if n == 19 else [[1.0]])
        for n in range(20)
    ]
    named = calibrate(aggregate([chunk(frames=frames)], 60)).anomalous_frames
    assert [frame.frame_id for frame in named] == [18, 17, 16, 15, 14]


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0.1, 5), unit), max_size=20))
def test_joined_spans_cover_the_same_seconds_without_overlapping(raw: list[tuple[float, float, float]]) -> None:
    spans = [(start, start + length, score) for start, length, score in raw]
    joined = join(spans)
    assert all(left[1] < right[0] for left, right in itertools.pairwise(joined))
    for start, end, score in spans:
        assert any(s <= start and end <= e and score <= top for s, e, top in joined)


def test_an_anomaly_across_a_chunk_border_is_one_anomaly() -> None:
    found = merge_spans([AudioAnomaly(start=15, end=16, score=0.7), AudioAnomaly(start=14, end=15, score=0.9)])
    assert found == [AudioAnomaly(start=14, end=16, score=0.9)]


def test_a_window_of_one_frame_at_the_end_is_no_span_to_look_at() -> None:
    windows = [
        WindowConfidence(start=0.0, end=1.0, fake=0.8),
        WindowConfidence(start=3.5, end=4.0, fake=0.2),
        WindowConfidence(start=4.0, end=4.03, fake=0.9),
    ]
    assert [(span.start, span.end) for span in suspicious_segments(windows)] == [(0.0, 1.0)]


def forged_between(start: int, end: int, seconds: int) -> ChunkScores:
    """Sure of real, but for some seconds."""
    return chunk(values=[2.0 if start <= n / 2 < end else -4.0 for n in range(2 * seconds)])


def test_a_part_that_was_forged_is_seen_by_a_person_though_the_whole_is_real() -> None:
    prediction = calibrate(aggregate([forged_between(20, 26, 40)], 41))
    assert prediction.overall_class == "real"
    assert (prediction.needs_human_review, prediction.review_reasons) == (True, ["suspicious_stretch"])
    passing = calibrate(aggregate([forged_between(20, 22, 40)], 41))
    assert (passing.overall_class, passing.needs_human_review) == ("real", False)


def test_a_face_that_could_not_be_judged_is_seen_by_a_person_whatever_the_voice_says() -> None:
    heard = [WindowScore(index=n, start=n / 2, end=n / 2 + 1, logit=-4, audio_logit=-4) for n in range(6)]
    prediction = calibrate(aggregate([chunk(windows=heard, frames=[])], 4))
    assert (prediction.overall_class, prediction.modalities) == ("real", ["audio"])
    assert (prediction.needs_human_review, prediction.review_reasons) == (True, ["face_not_judged"])
    assert prediction.audio_confidence == prediction.manipulation_confidence
    assert prediction.video_confidence is None


@pytest.mark.parametrize(("spread", "reasons"), [(0.1, []), (1.5, ["in_doubt"])])
def test_a_verdict_that_its_own_doubt_would_undo_is_seen_by_a_person(spread: float, reasons: list[str]) -> None:
    for logit, told in ((-1.5, "real"), (1.5, "fake")):
        window = WindowScore(
            index=0, start=0, end=1, logit=logit, video_logit=logit, passes=[logit - spread, logit + spread]
        )
        prediction = calibrate(aggregate([chunk(windows=[window], frames=[])], 1))
        assert (prediction.overall_class, prediction.review_reasons) == (told, reasons)
        assert prediction.needs_human_review is bool(reasons)


def test_a_window_that_saw_and_heard_nothing_has_no_vote() -> None:
    told = [WindowScore(index=n, start=n / 2, end=n / 2 + 1, logit=-3, video_logit=-3) for n in range(4)]
    blind = [WindowScore(index=n, start=n / 2, end=n / 2 + 1, logit=0) for n in range(4, 10)]
    scores = aggregate([chunk(windows=[*told, *blind], frames=[])], 9)
    assert scores.logit == scores.video_logit == -3
    assert len(calibrate(scores).window_confidences) == 4
    nobody = calibrate(aggregate([chunk(windows=blind, frames=[])], 9))
    assert (nobody.overall_class, nobody.manipulation_confidence) == ("uncertain", 0.5)


def test_a_frame_under_the_border_of_two_chunks_is_what_both_say_of_it() -> None:
    """Cut anywhere, a video has the same frames."""
    early = chunk(0, frames=[FrameScore(frame_id=7, timestamp=1.4, logit=1.0)])
    late = chunk(1, frames=[FrameScore(frame_id=7, timestamp=1.4, logit=2.0, saliency=[[1.0]])])
    (frame,) = aggregate([early, late], 60).frames
    assert (frame.logit, frame.saliency) == (1.5, [[1.0]])


def test_the_shorter_of_two_windows_counts_for_less() -> None:
    windows = [
        WindowScore(index=0, start=0, end=1, logit=1),
        WindowScore(index=1, start=0.5, end=1, logit=4, partial=True),
    ]
    assert aggregate([chunk(windows=windows)], 60).logit == pytest.approx(2)


def test_the_verdict_tells_what_each_modality_and_each_model_said() -> None:
    window = WindowScore(
        index=0, start=0, end=1, logit=0.5, video_logit=2, audio_logit=-1, lip_sync=0.3, members=[0, 1]
    )
    found = calibrate(aggregate([chunk(windows=[window])], 60))
    [shown] = found.window_confidences
    assert (shown.video, shown.audio) == pytest.approx((0.880797, 0.268941), abs=1e-6)
    assert found.modality_agreement == pytest.approx(0.268941, abs=1e-6)
    assert found.modality_disagreement == pytest.approx(0.731059, abs=1e-6)
    assert (found.lip_sync_score, found.modalities) == (0.3, ["video", "audio"])
    assert found.model_confidences == pytest.approx([0.5, 0.731059], abs=1e-6)


def test_a_modality_that_is_alone_decided_alone() -> None:
    assert modality_contribution(0.9, None, 0.9) == 1
    assert modality_contribution(None, 0.9, 0.9) == -1
    assert modality_contribution(None, None, 0.5) == 0
    assert modality_agreement(None, 0.9) is None


def test_the_interval_is_the_mean_of_the_passes_give_or_take_1_96_deviations() -> None:
    low, high = interval(0.5, [0.4, 0.5, 0.6]) or (0, 0)
    deviation = statistics.pstdev([0.4, 0.5, 0.6])
    assert (low, high) == pytest.approx((0.5 - 1.96 * deviation, 0.5 + 1.96 * deviation), abs=1e-6)


@pytest.mark.parametrize(
    "wrong", [{"lip_sync": 1.5}, {"lip_sync": -0.1}, {"lip_sync": math.nan}, {"index": -1}, {"end": math.inf}]
)
def test_a_window_with_an_impossible_number_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        WindowScore(**{"index": 0, "start": 0, "end": 1, "logit": 0} | wrong)


def test_nameless_models_give_no_scores() -> None:
    with pytest.raises(ValidationError):
        chunk(model_version="")


def test_a_video_of_which_a_part_was_scored_by_untrained_weights_was_not_scored_by_trained_ones() -> None:
    assert not aggregate([chunk(0), chunk(1, trained=False)], 60).trained


def test_a_span_is_more_likely_fake_than_real_and_half_a_second_is_one() -> None:
    spans = [(0.0, 1.0, 0.5), (2.0, 3.0, 0.51), (4.0, 4.5, 0.9), (6.0, 6.25, 0.9)]
    windows = [WindowConfidence(start=start, end=end, fake=fake) for start, end, fake in spans]
    assert [(span.start, span.end) for span in suspicious_segments(windows)] == [(2.0, 3.0), (4.0, 4.5)]


@pytest.mark.parametrize(("fake", "sign"), [(0.51, 1), (0.49, -1)])
def test_contribution_turns_where_the_class_turns(fake: float, sign: int) -> None:
    assert modality_contribution(0.9, 0.4, fake) == sign * 0.5
