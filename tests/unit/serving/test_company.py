"""Chunks that are judged together: each gets what it would get alone, whatever is wrong with the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from model_src.models import Ensemble, MultimodalModel
from model_src.preprocess.align import CANONICAL
from model_src.preprocess.chunk import Chunk
from model_src.serving.default import DEFAULT_MODEL
from model_src.serving.encoders import Encoders
from model_src.serving.errors import InferenceFailed
from model_src.serving.material import Codes, Material, encode
from model_src.serving.model_directory import read_models
from model_src.serving.predictor import Predictor
from model_src.verdict.scores import ChunkScores
from tests.unit.serving.chunks import make_chunk
from tests.unit.serving.models import small_model


def turning(chunk: Chunk, index: int) -> Chunk:
    """The chunk of another place in the video, with a head that moves."""
    points = CANONICAL + np.random.default_rng(index).normal(0, 2, (len(chunk.crops), 5, 2)).cumsum(axis=0)
    return replace(chunk, index=index, points=points.astype(np.float32))


UNLIKE = [
    turning(chunk, index)
    for index, chunk in enumerate(
        [
            make_chunk(2, seed=1),
            make_chunk(1.3, rate=10, seed=2),  # windows of ten frames: a group of its own
            make_chunk(1, sound=False, seed=3),
            make_chunk(1, missing=set(range(5)), seed=4),  # nobody to look at
            make_chunk(2, missing={0, 1, 6}, seed=5),
            make_chunk(1, sound=False, missing=set(range(5))),  # nothing at all
            make_chunk(1.5, rate=10, missing={3}, sound=False, seed=6),
        ]
    )
]


def shipped() -> MultimodalModel:
    (model,) = read_models(DEFAULT_MODEL)
    return model


def pair() -> Ensemble:
    return Ensemble([small_model(1), small_model(2)])


def scorer(model: MultimodalModel | Ensemble) -> Predictor:
    return Predictor(model, model_version="test", trained=False)


@pytest.mark.parametrize("make", [small_model, shipped, pair])
def test_every_number_is_the_one_the_chunk_gets_alone(make: Callable[[], MultimodalModel | Ensemble]) -> None:
    predictor = scorer(make())
    for chunk, together in zip(UNLIKE, predictor.score_chunks(UNLIKE), strict=True):
        assert isinstance(together, ChunkScores)
        alone = predictor.score_chunk(chunk)
        for (where, here), (_, there) in zip(leaves(together.model_dump()), leaves(alone.model_dump()), strict=True):
            shares = "saliency" in where or "share" in where  # of something that may be small
            assert here == pytest.approx(there, abs=2e-3 if shares else 1e-4), where
        assert together.chunk_index == chunk.index


def leaves(value: Any, where: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(inner, f"{where}.{name}")
    elif isinstance(value, list):
        yield f"{where}.length", len(value)
        for inner in value:
            yield from leaves(inner, where)
    else:
        yield where, value


@pytest.mark.parametrize("order", [1, -1])
def test_a_face_that_gives_no_number_fails_no_other_where_frames_are_compared(order: int) -> None:
    """They are told by the windows that hold them, and those of one chunk stand beside those of another."""
    wild = np.where(np.random.default_rng(0).random((10, 5, 2)) < 0.5, -1.7e38, 1.7e38).astype(np.float32)
    predictor = scorer(shipped())
    bad = Chunk.from_bytes(replace(UNLIKE[0], points=wild).to_bytes())
    good, broken = predictor.score_chunks([UNLIKE[4], bad][::order])[::order]
    assert isinstance(good, ChunkScores)
    assert isinstance(broken, InferenceFailed)


def test_what_is_wrong_with_one_answer_is_told_without_encoding_anything_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    encoded: list[int] = []

    def counting(model: MultimodalModel, encoders: Encoders, batch: list[Material], device: torch.device) -> Codes:
        encoded.append(len(batch))
        return encode(model, encoders, batch, device)

    monkeypatch.setattr("model_src.serving.predictor.encode", counting)
    impossible = replace(UNLIKE[0], window_indices=UNLIKE[0].window_indices - 9)
    good, broken = scorer(small_model()).score_chunks([UNLIKE[0], impossible])
    assert isinstance(good, ChunkScores)
    assert isinstance(broken, ValueError)
    assert encoded == [2]


def test_a_frame_that_no_window_holds_is_not_explained_whoever_comes_along() -> None:
    lonely = replace(UNLIKE[0], window_frames=np.full_like(UNLIKE[0].window_frames, -1))
    predictor = scorer(small_model())
    for together in (predictor.score_chunk(lonely), predictor.score_chunks([lonely, UNLIKE[4]])[0]):
        assert isinstance(together, ChunkScores)
        assert together.windows
        assert len(together.frames) == 10
        assert not any(frame.saliency or frame.transform for frame in together.frames)
