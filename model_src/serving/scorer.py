"""What the server asks of a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from model_src.preprocess.chunk import Chunk
from model_src.verdict.scores import Calibration, ChunkScores


class Scorer(Protocol):
    @property
    def model_version(self) -> str: ...
    @property
    def calibration(self) -> Calibration: ...
    def score_chunk(self, chunk: Chunk) -> ChunkScores: ...


class BatchScorer(Scorer, Protocol):
    """Several chunks at once, too; what is wrong with one is its answer alone. The Predictor can."""

    def score_chunks(self, chunks: Sequence[Chunk]) -> list[ChunkScores | Exception]: ...
