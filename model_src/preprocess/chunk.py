"""One chunk: several windows of one video, with everything the network needs to score them, as one file.

Layout of the file, version 1 (little-endian):

    8 bytes   magic "AURACHNK"
    4 bytes   length of the header
    header    UTF-8 JSON: version, the plain fields, and for every array its name, dtype and shape, in order
    arrays    the raw bytes of each array, C order, one after the other, nothing between them
    32 bytes  SHA-256 of all the bytes before

The crops are stored as they are: not compressed, so no forensic trace is lost and writing costs a copy and a hash.
Nothing is executed on reading (no pickle), and nothing is allocated before the declared shapes have been found to fill
the received bytes exactly.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from model_src.preprocess.errors import ChunkInvalid

VERSION: Final = 1
MAGIC: Final = b"AURACHNK"
MAX_HEADER: Final = 64 * 1024
DIGEST_SIZE: Final = 32
CROP: Final = 224
SAMPLE_RATE: Final = 16_000
VOICE_CELL: Final = 320  # samples in 20 ms

# name -> dtype and shape; letters are counts that must agree between arrays
ARRAYS: Final[dict[str, tuple[str, tuple[int | str, ...]]]] = {
    "crops": ("|u1", ("F", CROP, CROP, 3)),
    "frame_ids": ("<i4", ("F",)),
    "timestamps": ("<f8", ("F",)),
    "boxes": ("<f4", ("F", 4)),
    "points": ("<f4", ("F", 5, 2)),
    "transforms": ("<f4", ("F", 2, 3)),
    "audio": ("<i2", ("S",)),
    "voice": ("|b1", ("V",)),
    "window_starts": ("<f8", ("W",)),
    "window_frames": ("<i4", ("W", "T")),
    "window_partial": ("|b1", ("W",)),
    "window_indices": ("<i4", ("W",)),
    "flow": ("<f2", ("F", CROP, CROP, 2)),
}


@dataclass(frozen=True, eq=False)
class Chunk:
    """Consecutive windows of one video. F frames, W windows of T places, S samples."""

    index: int
    frame_rate: float  # of the sampling grid
    frame_size: tuple[int, int]  # height, width of the displayed video
    start: float  # seconds that the sound of this chunk covers
    end: float
    crops: NDArray[np.uint8]  # [F, 224, 224, 3] RGB
    frame_ids: NDArray[np.int32]  # [F] place on the sampling grid of the whole video
    timestamps: NDArray[np.float64]  # [F] seconds
    boxes: NDArray[np.float32]  # [F, 4] x0, y0, x1, y1 in the displayed frame
    points: NDArray[np.float32]  # [F, 5, 2] eyes, nose, mouth corners in the displayed frame
    transforms: NDArray[np.float32]  # [F, 2, 3] displayed frame -> crop, as cv2.warpAffine takes it
    audio: NDArray[np.int16]  # [S] 16 kHz mono, empty when the video has no sound
    voice: NDArray[np.bool_]  # [S // 320] does somebody speak in these 20 ms
    window_starts: NDArray[np.float64]  # [W] seconds
    window_frames: NDArray[np.int32]  # [W, T] index into crops, -1 where no usable frame
    window_partial: NDArray[np.bool_]  # [W] the window passes the end of the video
    window_indices: NDArray[np.int32]  # [W] number of the window in the whole video
    flow: NDArray[np.float16] | None = None  # [F, 224, 224, 2] pixels from the frame before, 0 where there is none

    def to_bytes(self) -> bytes:
        arrays = [(name, self._stored(name)) for name in ARRAYS if getattr(self, name) is not None]
        header = {
            "version": VERSION,
            "index": self.index,
            "frame_rate": self.frame_rate,
            "frame_size": list(self.frame_size),
            "start": self.start,
            "end": self.end,
            "arrays": [{"name": name, "dtype": array.dtype.str, "shape": array.shape} for name, array in arrays],
        }
        encoded = json.dumps(header, allow_nan=False).encode()
        raw = [memoryview(array.reshape(-1).view(np.uint8)) for _, array in arrays]  # type: ignore[arg-type]
        parts: list[bytes | memoryview] = [MAGIC, len(encoded).to_bytes(4, "little"), encoded, *raw]
        digest = hashlib.sha256()
        for part in parts:
            digest.update(part)
        return b"".join([*parts, digest.digest()])

    def _stored(self, name: str) -> NDArray[Any]:
        return np.ascontiguousarray(getattr(self, name), dtype=ARRAYS[name][0])

    @classmethod
    def from_bytes(cls, data: bytes) -> Chunk:
        """Read a chunk back; `ChunkInvalid` says what is wrong with bytes that are none."""
        header, body = _open(data)
        arrays, counts = _read_arrays(header["arrays"], body)
        plain = _plain_fields(header)
        chunk = cls(**plain, **cast(dict[str, Any], arrays))
        _check_consistent(chunk, counts)
        return chunk


def _open(data: bytes) -> tuple[dict[str, Any], memoryview]:
    view = memoryview(data)
    if len(view) < len(MAGIC) + 4 + DIGEST_SIZE or bytes(view[: len(MAGIC)]) != MAGIC:
        raise ChunkInvalid("not_a_chunk", "The bytes do not begin as a chunk file does.")
    if hashlib.sha256(view[:-DIGEST_SIZE]).digest() != bytes(view[-DIGEST_SIZE:]):
        raise ChunkInvalid("checksum_mismatch", "The chunk file was damaged: its checksum does not fit its content.")
    begin = len(MAGIC) + 4
    length = int.from_bytes(view[len(MAGIC) : begin], "little")
    if length > MAX_HEADER or begin + length > len(view) - DIGEST_SIZE:
        raise ChunkInvalid("bad_header", f"The header claims {length} bytes.")
    try:
        header = json.loads(bytes(view[begin : begin + length]))
    except (ValueError, RecursionError) as error:
        raise ChunkInvalid("bad_header", "The header is not JSON.") from error
    if not isinstance(header, dict) or not isinstance(header.get("arrays"), list):
        raise ChunkInvalid("bad_header", "The header lists no arrays.")
    if header.get("version") != VERSION:
        found = header.get("version")
        raise ChunkInvalid("unknown_version", f"The chunk has version {found!r}; this program reads version {VERSION}.")
    return header, view[begin + length : -DIGEST_SIZE]


def _read_arrays(entries: list[Any], body: memoryview) -> tuple[dict[str, NDArray[Any]], dict[str, int]]:
    arrays: dict[str, NDArray[Any]] = {}
    counts: dict[str, int] = {}
    offset = 0
    for entry in entries:
        name, shape = _checked_entry(entry, counts)
        size = math.prod(shape) * np.dtype(ARRAYS[name][0]).itemsize
        if name in arrays or offset + size > len(body):
            raise ChunkInvalid("bad_arrays", f"The array {name!r} is listed twice or is larger than the file.")
        arrays[name] = np.frombuffer(body[offset : offset + size], ARRAYS[name][0]).reshape(shape).copy()
        offset += size
    missing = ARRAYS.keys() - arrays.keys() - {"flow"}
    if missing or offset != len(body):
        raise ChunkInvalid("bad_arrays", f"Missing: {sorted(missing)}; bytes beyond the arrays: {len(body) - offset}.")
    return arrays, counts


def _checked_entry(entry: Any, counts: dict[str, int]) -> tuple[str, tuple[int, ...]]:
    if not isinstance(entry, dict) or entry.get("name") not in ARRAYS or not isinstance(entry.get("shape"), list):
        raise ChunkInvalid("bad_arrays", "The header lists an array that no chunk has.")
    name, shape = entry["name"], entry["shape"]
    dtype, expected = ARRAYS[name]
    fits = entry.get("dtype") == dtype and len(shape) == len(expected)
    for found, wanted in zip(shape, expected, strict=False):
        if type(found) is not int or not 0 <= found < 2**31:
            fits = False
        elif isinstance(wanted, str):
            fits = fits and counts.setdefault(wanted, found) == found
        else:
            fits = fits and found == wanted
    if not fits:
        raise ChunkInvalid("bad_arrays", f"The array {name!r} has a type or shape that does not belong to it.")
    return name, tuple(shape)


def _plain_fields(header: dict[str, Any]) -> dict[str, Any]:
    try:
        height, width = (int(side) for side in header["frame_size"])
        plain = {name: float(header[name]) for name in ("frame_rate", "start", "end")}
        index = int(header["index"])
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ChunkInvalid("bad_header", "A field of the header is missing or no number.") from error
    ordered = plain["start"] <= plain["end"] and plain["frame_rate"] > 0 and index >= 0 and height > 0 and width > 0
    if not all(map(math.isfinite, plain.values())) or not ordered:
        raise ChunkInvalid("bad_header", "A field of the header is out of range.")
    return {"index": index, "frame_size": (height, width), **plain}


def _check_consistent(chunk: Chunk, counts: dict[str, int]) -> None:
    frames = chunk.window_frames
    finite = all(
        np.isfinite(array).all()
        for array in (chunk.timestamps, chunk.boxes, chunk.points, chunk.transforms, chunk.window_starts)
    )
    inside = frames.size == 0 or (frames.min() >= -1 and frames.max() < counts["F"])
    places = counts["T"] > 0 or counts["W"] == 0
    covered = ((chunk.window_starts >= chunk.start) & (chunk.window_starts <= chunk.end)).all()
    numbered = (chunk.window_indices >= 0).all() and (chunk.frame_ids >= 0).all()
    heard = counts["V"] == counts["S"] // VOICE_CELL
    if not (finite and inside and places and covered and numbered and heard):
        raise ChunkInvalid("bad_arrays", "The arrays contradict each other or hold values that are no numbers.")
