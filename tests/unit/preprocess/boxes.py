"""Small surgery on MP4 files: find a box, overwrite its fields."""

from __future__ import annotations

import struct
from pathlib import Path


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", 8 + len(content)) + kind + content


def position(content: bytes, kind: bytes, number: int = 0) -> int:
    """Where the content of the `number`-th box of this kind begins."""
    place = -1
    for _ in range(number + 1):
        place = content.index(kind, place + 1)
    return place + len(kind)


def overwrite(path: Path, kind: bytes, offset: int, value: bytes, number: int = 0) -> Path:
    """Replace bytes of a box; `offset` counts from behind its type."""
    content = bytearray(path.read_bytes())
    place = position(bytes(content), kind, number) + offset
    content[place : place + len(value)] = value
    path.write_bytes(content)
    return path


def fill_moov(path: Path, kind: bytes, size: int) -> Path:
    """Append a box of `size` zero bytes to the moov of a file whose moov comes last."""
    content = bytearray(path.read_bytes())
    start = content.rindex(b"moov") - 4
    length = struct.unpack_from(">I", content, start)[0]
    struct.pack_into(">I", content, start, length + size + 8)
    content[start + length : start + length] = box(kind, bytes(size))
    path.write_bytes(content)
    return path
