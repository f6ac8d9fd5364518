"""Which seconds decided: neighbouring suspicious windows, joined into spans a person can look at."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from model_src.verdict.prediction import Segment, WindowConfidence
from model_src.verdict.scores import AudioAnomaly

SUSPICIOUS_ABOVE = 0.5
SHORTEST = 0.5  # seconds; the last window of a video may hold a frame or two, which nobody can look at as a span


def suspicious_segments(windows: Sequence[WindowConfidence]) -> list[Segment]:
    """Spans covered by windows that are more likely fake than real, each with its highest confidence."""
    spans = ((w.start, w.end, w.fake) for w in windows if w.fake > SUSPICIOUS_ABOVE)
    return [
        Segment(start=start, end=end, confidence=peak) for start, end, peak in join(spans) if end - start >= SHORTEST
    ]


def merge_spans(anomalies: Iterable[AudioAnomaly]) -> list[AudioAnomaly]:
    """Anomalies found on both sides of a chunk border are one anomaly to the listener."""
    return [
        AudioAnomaly(start=start, end=end, score=peak)
        for start, end, peak in join((a.start, a.end, a.score) for a in anomalies)
    ]


def join(spans: Iterable[tuple[float, float, float]]) -> list[tuple[float, float, float]]:
    """Overlapping or touching (start, end, score) spans become one, with the highest score among them."""
    joined: list[tuple[float, float, float]] = []
    for start, end, score in sorted(spans):
        if joined and start <= joined[-1][1]:
            last_start, last_end, last_score = joined[-1]
            joined[-1] = (last_start, max(last_end, end), max(last_score, score))
        else:
            joined.append((start, end, score))
    return joined
