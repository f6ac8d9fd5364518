"""What the child process tells its parent: a stream of messages, each a kind, a length and that many bytes."""

from __future__ import annotations

import json
import struct
from typing import Any, BinaryIO, Final

HEAD: Final = struct.Struct("<cQ")
FRAME_SIZE: Final = struct.Struct("<II")  # height, width

READY: Final = b"S"  # empty, the first: loaded and confined, the file is opened next
CHUNK: Final = b"C"  # a chunk file
FRAME: Final = b"F"  # one picture: FRAME_SIZE, then its bytes
PROGRESS: Final = b"P"  # empty: still at work
RESULT: Final = b"R"  # JSON, the last message of a success
REJECTED: Final = b"V"  # JSON with code and message: the video's fault
FAILED: Final = b"X"  # JSON with a message: our fault
KINDS: Final = (READY, CHUNK, FRAME, PROGRESS, RESULT, REJECTED, FAILED)


def send(pipe: BinaryIO, kind: bytes, *parts: bytes | memoryview) -> None:
    pipe.write(HEAD.pack(kind, sum(len(part) for part in parts)))
    for part in parts:
        pipe.write(part)
    pipe.flush()


def send_json(pipe: BinaryIO, kind: bytes, value: dict[str, Any]) -> None:
    send(pipe, kind, json.dumps(value, allow_nan=False).encode())
