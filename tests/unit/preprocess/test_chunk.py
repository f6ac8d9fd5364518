"""A chunk file gives back exactly what was put in, and nothing else passes for one."""

from __future__ import annotations

import hashlib
import json
import pickle
import time
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_src.preprocess.chunk import MAGIC, Chunk
from model_src.preprocess.errors import ChunkInvalid


def make_chunk(frames: int = 6, windows: int = 3, seconds: float = 2.0, flow: bool = False, seed: int = 0) -> Chunk:
    dice = np.random.default_rng(seed)
    samples = int(seconds * 16_000)
    return Chunk(
        index=2,
        frame_rate=5.0,
        frame_size=(480, 640),
        start=15.0,
        end=15.0 + seconds,
        crops=dice.integers(0, 256, (frames, 224, 224, 3), np.uint8),
        frame_ids=np.arange(75, 75 + frames, dtype=np.int32),
        timestamps=np.arange(75, 75 + frames) / 5,
        boxes=dice.random((frames, 4), np.float32) * 100,
        points=dice.random((frames, 5, 2), np.float32) * 100,
        transforms=dice.random((frames, 2, 3), np.float32),
        audio=dice.integers(-(2**15), 2**15, samples).astype(np.int16),
        voice=dice.random(samples // 320) > 0.5,
        window_starts=15 + np.arange(windows) / 2,
        window_frames=dice.integers(-1, frames, (windows, 5)).astype(np.int32),
        window_partial=np.array([False] * (windows - 1) + [True]),
        window_indices=np.arange(30, 30 + windows, dtype=np.int32),
        flow=dice.standard_normal((frames, 224, 224, 2)).astype(np.float16) if flow else None,
    )


def assert_equal(first: Chunk, second: Chunk) -> None:
    for field in fields(Chunk):
        one, other = getattr(first, field.name), getattr(second, field.name)
        if isinstance(one, np.ndarray):
            assert one.dtype == other.dtype, field.name
            np.testing.assert_array_equal(one, other, err_msg=field.name)
        else:
            assert one == other, field.name


@pytest.mark.parametrize("flow", [False, True])
def test_every_bit_comes_back(flow: bool) -> None:
    chunk = make_chunk(flow=flow)
    back = Chunk.from_bytes(chunk.to_bytes())
    assert_equal(chunk, back)
    assert back.to_bytes() == chunk.to_bytes()
    back.crops[0] = 0  # the reader owns its arrays


def test_a_video_without_sound_has_an_empty_one() -> None:
    chunk = replace(make_chunk(), audio=np.zeros(0, np.int16), voice=np.zeros(0, bool))
    assert_equal(chunk, Chunk.from_bytes(chunk.to_bytes()))


def test_the_file_describes_itself() -> None:
    data = make_chunk().to_bytes()
    length = int.from_bytes(data[8:12], "little")
    header = json.loads(data[12 : 12 + length])
    assert data[:8] == MAGIC
    assert header["version"] == 1
    sizes = [int(np.prod(entry["shape"])) * np.dtype(entry["dtype"]).itemsize for entry in header["arrays"]]
    assert 12 + length + sum(sizes) + 32 == len(data)


def test_half_a_minute_of_crops_is_written_and_read_within_a_second() -> None:
    chunk = make_chunk(frames=150)
    begun = time.perf_counter()
    Chunk.from_bytes(chunk.to_bytes())
    assert time.perf_counter() - begun < 1


def sealed(header: Any, body: bytes) -> bytes:
    """A file with a right checksum around whatever content."""
    encoded = header if isinstance(header, bytes) else json.dumps(header).encode()
    content = MAGIC + len(encoded).to_bytes(4, "little") + encoded + body
    return content + hashlib.sha256(content).digest()


def opened() -> tuple[dict[str, Any], bytes]:
    data = make_chunk(frames=2, windows=1, seconds=0.02).to_bytes()
    length = int.from_bytes(data[8:12], "little")
    return json.loads(data[12 : 12 + length]), data[12 + length : -32]


def code_of(data: bytes) -> str:
    with pytest.raises(ChunkInvalid) as caught:
        Chunk.from_bytes(data)
    assert caught.value.message
    return caught.value.code


@pytest.mark.parametrize("data", [b"", b"AURACHNK", b"PK\x03\x04" + bytes(100), pickle.dumps([1, 2, 3]) + bytes(60)])
def test_other_files_are_no_chunks(data: bytes) -> None:
    assert code_of(data) == "not_a_chunk"


@pytest.mark.parametrize("place", [9, 30, 3000, -40, -1])
def test_one_changed_bit_is_noticed(place: int) -> None:
    data = bytearray(make_chunk(frames=1, windows=1).to_bytes())
    data[place] ^= 1
    assert code_of(bytes(data)) == "checksum_mismatch"
    assert code_of(make_chunk().to_bytes()[:-5]) == "checksum_mismatch"


def test_a_later_version_is_refused_by_name() -> None:
    header, body = opened()
    assert code_of(sealed(header | {"version": 2}, body)) == "unknown_version"


SENSELESS_SHAPES = [
    [2**30, 224, 224, 3],
    [-1, 224, 224, 3],
    [2, 224, 224],
    [1.0, 224, 224, 3],
    [True, 224, 224, 3],
    ["2"],
]


@pytest.mark.parametrize("shape", SENSELESS_SHAPES)
def test_declared_shapes_are_judged_before_memory_is_spent(shape: list[Any]) -> None:
    header, body = opened()
    header["arrays"][0]["shape"] = shape
    assert code_of(sealed(header, body)) == "bad_arrays"


@pytest.mark.parametrize("dtype", ["|O", "<f8", "V100", "object", 3, None])
def test_no_array_may_change_its_type(dtype: Any) -> None:
    header, body = opened()
    header["arrays"][0]["dtype"] = dtype
    assert code_of(sealed(header, body)) == "bad_arrays"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("frame_rate", 0),
        ("start", float("nan")),
        ("end", -1),
        ("index", -1),
        ("index", None),
        ("frame_size", [0, 5]),
        ("frame_size", 3),
        ("arrays", None),
        ("arrays", [3]),
        ("arrays", []),
    ],
)
def test_senseless_fields_are_refused(name: str, value: Any) -> None:
    header, body = opened()
    assert code_of(sealed(header | {name: value}, body)) in ("bad_header", "bad_arrays")


@pytest.mark.parametrize("header", [b"[" * 60_000, b"\xff\xfe", b"null", b"{}"])
def test_a_header_that_is_none_is_refused(header: bytes) -> None:
    assert code_of(sealed(header, b"")) == "bad_header"


def test_values_that_would_poison_a_result_are_refused() -> None:
    chunk = make_chunk()
    for name, value in [("timestamps", np.nan), ("boxes", np.inf), ("transforms", np.nan)]:
        array = getattr(chunk, name).copy()
        array[0] = value
        assert code_of(replace(chunk, **{name: array}).to_bytes()) == "bad_arrays"
    assert code_of(replace(chunk, window_frames=chunk.window_frames + 6).to_bytes()) == "bad_arrays"
    assert code_of(replace(chunk, window_frames=chunk.window_frames[:, :0]).to_bytes()) == "bad_arrays"
    for name, far in (("window_starts", -100), ("window_starts", 1e6), ("window_indices", -100), ("frame_ids", -100)):
        assert code_of(replace(chunk, **{name: getattr(chunk, name) + far}).to_bytes()) == "bad_arrays"
    assert code_of(replace(chunk, voice=chunk.voice[1:]).to_bytes()) == "bad_arrays"


CONTENT = opened()


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=4))
def test_no_content_under_a_right_checksum_does_anything_but_be_refused(changes: list[tuple[int, int]]) -> None:
    header, body = CONTENT
    content = bytearray(json.dumps(header).encode())
    for place, value in changes:
        content[place % len(content)] = value
    try:
        frames = len(Chunk.from_bytes(sealed(bytes(content), body)).crops)
    except ChunkInvalid:
        frames = 2
    assert frames == 2
