"""Chunks of several requests are scored together, and nobody notices but the clock."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import httpx
import numpy as np
import pytest
import torch
from torch import Tensor

from model_src.preprocess.chunk import Chunk
from model_src.preprocess.errors import ChunkInvalid
from model_src.serving.batching import BatchingScorer
from model_src.serving.encoders import FrameCodes, SoundCodes, TorchEncoders
from model_src.serving.errors import InferenceFailed
from model_src.serving.parity import difference, probabilities
from model_src.serving.predictor import Predictor
from model_src.serving.server import ServerSettings
from model_src.verdict.scores import ChunkScores
from tests.unit.serving.chunks import make_chunk
from tests.unit.serving.models import small_model
from tests.unit.serving.test_predictor import CPU
from tests.unit.serving.test_server import FakeScorer, FakeSource, running
from tests.waiting import wait_for

CHUNKS = [
    make_chunk(2, seed=1),
    make_chunk(1.3, seed=2, missing={1}),
    make_chunk(1, sound=False, seed=3),
    make_chunk(1, missing=set(range(5)), seed=4),
]
EMPTY = make_chunk(1, sound=False, missing=set(range(5)))
NAN = np.full((5, 224, 224, 2), np.nan, np.float16)


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor(small_model(), model_version="small", trained=False)


def test_a_chunk_scores_in_company_as_it_does_alone(predictor: Predictor) -> None:
    alone = [predictor.score_chunk(chunk) for chunk in [*CHUNKS, EMPTY]]
    together = predictor.score_chunks([*CHUNKS, EMPTY])
    for one, other in zip(alone, together, strict=True):
        assert isinstance(other, ChunkScores)
        assert difference(probabilities(other), probabilities(one)).within(1e-5)
        assert [frame.logit for frame in other.frames] == pytest.approx([frame.logit for frame in one.frames], abs=1e-4)
        assert [bool(frame.saliency) for frame in other.frames] == [bool(frame.saliency) for frame in one.frames]


def test_a_chunk_that_is_wrong_fails_alone() -> None:
    sees_motion = Predictor(small_model(channels=5), model_version="test", trained=False)
    still = replace(make_chunk(1), flow=np.zeros((5, 224, 224, 2), np.float16))
    good, none, nan = sees_motion.score_chunks([still, make_chunk(1), replace(still, flow=NAN)])
    assert good == sees_motion.score_chunk(still)
    assert isinstance(none, InferenceFailed)
    assert isinstance(nan, ChunkInvalid)


class Delicate(TorchEncoders):
    """Breaks over a certain chunk, and with it over every batch that holds it."""

    def frames(self, crops: Tensor, flow: Tensor | None) -> FrameCodes:
        if (crops == 7).all(dim=(1, 2, 3)).any():
            raise RuntimeError("out of memory")
        return super().frames(crops, flow)

    def sound(self, pcm: Tensor, voice: Tensor, lengths: np.ndarray) -> SoundCodes:
        return super().sound(pcm, voice, lengths)


def test_a_chunk_that_breaks_the_networks_does_not_take_its_neighbours_along() -> None:
    model = small_model().eval()
    delicate = Predictor(model, model_version="test", trained=False, encoders=[Delicate(model, CPU)])
    heavy = replace(make_chunk(1), crops=np.full((5, 224, 224, 3), 7, np.uint8))
    good, broken, other = delicate.score_chunks([CHUNKS[0], heavy, CHUNKS[1]])
    assert isinstance(broken, RuntimeError)
    assert (good, other) == (delicate.score_chunk(CHUNKS[0]), delicate.score_chunk(CHUNKS[1]))


@dataclass
class CountingScorer(FakeScorer):
    """Remembers how many chunks it was given at a time."""

    batches: list[int] = field(default_factory=list)

    def score_chunks(self, chunks: Sequence[Chunk]) -> list[ChunkScores | Exception]:
        self.batches.append(len(chunks))
        return super().score_chunks(chunks)


def test_what_comes_while_the_model_works_is_its_next_batch_and_none_is_larger_than_asked() -> None:
    inside = CountingScorer()
    scorer = BatchingScorer(inside, largest=3, wait_seconds=0)
    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(scorer.score_chunk, CHUNKS[0])
        assert inside.at_work.acquire(timeout=10)
        rest = [pool.submit(scorer.score_chunk, replace(CHUNKS[0], index=index)) for index in range(5)]
        wait_for(lambda: scorer._queue.qsize() == 5)
        inside.go.set()
        assert [each.result(10).chunk_index for each in rest] == list(range(5))
        assert first.result(10).chunk_index == CHUNKS[0].index
    assert inside.batches == [1, 3, 2]


def test_a_chunk_without_company_waits_for_milliseconds_alone() -> None:
    inside = CountingScorer()
    inside.go.set()
    scorer = BatchingScorer(inside, largest=8, wait_seconds=0.05)
    began = time.monotonic()
    scorer.score_chunk(CHUNKS[0])
    assert 0.05 <= time.monotonic() - began < 5
    assert inside.batches == [1]


def test_a_model_that_breaks_fails_those_who_asked_and_serves_the_next() -> None:
    class Broken(CountingScorer):
        def score_chunks(self, chunks: Sequence[Chunk]) -> list[ChunkScores | Exception]:
            if self.problem:
                raise self.problem
            return super().score_chunks(chunks)

    inside = Broken(problem=RuntimeError("the device is gone"))
    inside.go.set()
    scorer = BatchingScorer(inside, largest=2)
    with pytest.raises(RuntimeError, match="gone"):
        scorer.score_chunk(CHUNKS[0])
    inside.problem = None
    assert scorer.score_chunk(CHUNKS[0]).chunk_index == CHUNKS[0].index


def test_requests_of_many_clients_are_joined_by_the_server_and_a_bad_one_gets_its_own_answer() -> None:
    inside = CountingScorer()
    body = make_chunk(1, sound=False).to_bytes()
    with (
        running(FakeSource(lambda: inside), ServerSettings(batch=4, queue_size=4)) as client,
        ThreadPoolExecutor(8) as pool,
    ):
        first = pool.submit(client.post, "/invocations", content=body)
        assert inside.at_work.acquire(timeout=10)
        rest = [pool.submit(client.post, "/invocations", content=each) for each in [body, b"garbage", body]]
        codes: list[httpx.Response] = [rest[1].result(10)]  # needs no model, so it does not wait for one
        time.sleep(0.3)  # until the other two have arrived
        inside.go.set()
        codes += [each.result(10) for each in (first, rest[0], rest[2])]
    assert [answer.status_code for answer in codes] == [400, 200, 200, 200]
    assert inside.batches == [1, 2]


class Dazed(TorchEncoders):
    """Sees nothing but NaN in a certain chunk."""

    def frames(self, crops: Tensor, flow: Tensor | None) -> FrameCodes:
        codes = super().frames(crops, flow)
        codes.embeddings[(crops == 7).all(dim=(1, 2, 3))] = torch.nan
        return codes


def test_a_chunk_that_gets_no_number_for_an_answer_does_not_take_its_neighbours_along() -> None:
    model = small_model().eval()
    dazed = Predictor(model, model_version="test", trained=False, encoders=[Dazed(model, CPU)])
    heavy = replace(make_chunk(1), crops=np.full((5, 224, 224, 3), 7, np.uint8))
    good, broken = dazed.score_chunks([CHUNKS[0], heavy])
    assert isinstance(good, ChunkScores)
    assert isinstance(broken, InferenceFailed)
