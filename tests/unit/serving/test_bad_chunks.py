"""Whatever arrives as a chunk, the answer is defined, and the next chunk is served."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Iterator
from dataclasses import replace

import httpx
import numpy as np
import pytest

from model_src.preprocess.chunk import DIGEST_SIZE, MAGIC, Chunk
from model_src.preprocess.errors import ChunkInvalid
from model_src.serving.predictor import Predictor
from model_src.serving.server import ServerSettings
from model_src.verdict.scores import ChunkScores
from tests.unit.serving.chunks import make_chunk
from tests.unit.serving.models import small_model
from tests.unit.serving.test_infer import SmallSource
from tests.unit.serving.test_server import running

GOOD = make_chunk(1)
NAN = float("nan")


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    settings = ServerSettings(max_body_bytes=4 * 1024 * 1024)
    with running(SmallSource("compact"), settings) as client:
        yield client


def other_version(data: bytes) -> bytes:
    """The same chunk as a later version would write it, checksum and all."""
    (length,) = struct.unpack_from("<I", data, len(MAGIC))
    begin = len(MAGIC) + 4
    header = json.loads(data[begin : begin + length])
    header["version"] += 1
    text = json.dumps(header).encode()
    body = MAGIC + struct.pack("<I", len(text)) + text + data[begin + length : -DIGEST_SIZE]
    return body + hashlib.sha256(body).digest()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"\x00" * 1000, 400),
        (GOOD.to_bytes()[:-1], 400),
        (GOOD.to_bytes()[:20], 400),
        (GOOD.to_bytes() + b"x", 400),
        (other_version(GOOD.to_bytes()), 400),
        (replace(GOOD, window_starts=np.array([0.0, NAN])).to_bytes(), 400),
        (replace(GOOD, timestamps=np.full(5, NAN)).to_bytes(), 400),
        (replace(GOOD, transforms=np.full((5, 2, 3), NAN, np.float32)).to_bytes(), 400),
        (replace(GOOD, window_frames=np.full((2, 5), 99, np.int32)).to_bytes(), 400),
        (b"A" * (4 * 1024 * 1024 + 1), 413),
    ],
    ids=[
        "empty", "zeros", "truncated", "header only", "one byte more", "later version", "NaN in the starts",
        "NaN in the times", "NaN in the transforms", "frames that are not there", "oversized",
    ],
)  # fmt: skip
def test_a_bad_chunk_gets_a_code_and_a_sentence_and_the_next_one_is_served(
    client: httpx.Client, body: bytes, status: int
) -> None:
    answer = client.post("/invocations", content=body)
    assert answer.status_code == status
    assert answer.json()["error"]["code"]
    assert answer.json()["error"]["message"]
    assert client.post("/invocations", content=GOOD.to_bytes()).status_code == 200


def test_a_chunk_of_a_later_version_is_told_apart_from_a_damaged_one(client: httpx.Client) -> None:
    answer = client.post("/invocations", content=other_version(GOOD.to_bytes()))
    assert "version" in answer.json()["error"]["code"]


@pytest.mark.parametrize(
    ("chunk", "windows", "frames"),
    [
        (make_chunk(1, sound=False, missing=set(range(5))), 0, 0),
        (make_chunk(1, missing=set(range(5))), 2, 0),
        (make_chunk(1, sound=False), 2, 5),
        (make_chunk(1, sound=False, missing={0, 1, 2, 3}), 2, 1),
    ],
    ids=["no frame and no sound", "audio only", "video only", "one frame"],
)
def test_a_chunk_that_lacks_something_is_scored_by_the_rest(
    client: httpx.Client, chunk: Chunk, windows: int, frames: int
) -> None:
    answer = client.post("/invocations", content=chunk.to_bytes())
    assert answer.status_code == 200
    scores = ChunkScores.model_validate_json(answer.content)
    assert (len(scores.windows), len(scores.frames)) == (windows, frames)


def test_motion_that_is_no_number_is_the_senders_fault_where_the_model_looks_at_it() -> None:
    chunk = replace(GOOD, flow=np.full((5, 224, 224, 2), NAN, np.float16))
    sees_motion = Predictor(small_model(channels=5), model_version="test", trained=False)
    with pytest.raises(ChunkInvalid) as refusal:
        sees_motion.score_chunk(chunk)
    assert refusal.value.code == "bad_arrays"
    sees_none = Predictor(small_model(), model_version="test", trained=False)
    assert sees_none.score_chunk(chunk) == sees_none.score_chunk(GOOD)
