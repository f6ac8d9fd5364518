"""Damage a good video the way accidents and attackers do. Everything follows from the number of the mutation."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.media import make_clip, talking_head, tone

Mutation = Callable[[bytearray, random.Random], None]

# Numbers at which sizes, counts and signs turn over.
EDGES = [0, 1, 7, 8, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0xFFFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF, 50_000_000]

# Names of boxes and elements whose neighbourhood is read with the most trust.
MP4_FIELDS = (
    b"ftyp moov mvhd tkhd mdhd hdlr stsd avc1 avcC hvcC stts ctts stsc stsz stco stss elst "
    b"trun tfhd tfdt trex mp4a esds udta sgpd uuid"
).split()
AVI_FIELDS = b"avih strh strf movi idx1 00dc 01wb LIST JUNK".split()
MATROSKA_FIELDS = [
    bytes.fromhex(name) for name in ["1a45dfa3", "1549a966", "1654ae6b", "1f43b675", "1c53bb6b", "a3", "ae"]
]
FIELDS = [*MP4_FIELDS, *AVI_FIELDS, *MATROSKA_FIELDS]


def flip_bits(data: bytearray, dice: random.Random) -> None:
    for _ in range(dice.choice([1, 3, 20, 200])):
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)


def overwrite_span(data: bytearray, dice: random.Random) -> None:
    begin = dice.randrange(len(data))
    length = min(dice.choice([4, 32, 500, 5000]), len(data) - begin)
    data[begin : begin + length] = dice.randbytes(length) if dice.random() < 0.5 else bytes(length)


def cut_off(data: bytearray, dice: random.Random) -> None:
    del data[dice.randrange(len(data)) :]


def remove_span(data: bytearray, dice: random.Random) -> None:
    begin = dice.randrange(len(data))
    del data[begin : begin + dice.choice([1, 4, 64, 2000])]


def insert_span(data: bytearray, dice: random.Random) -> None:
    begin = dice.randrange(len(data))
    data[begin:begin] = dice.randbytes(dice.choice([1, 4, 64, 2000]))


def repeat_span(data: bytearray, dice: random.Random) -> None:
    begin = dice.randrange(len(data))
    data[begin:begin] = data[begin : begin + dice.choice([8, 100, 3000])] * dice.choice([1, 2, 50])


def exchange_spans(data: bytearray, dice: random.Random) -> None:
    length = min(dice.choice([4, 100, 2000]), len(data) // 2)
    first, second = dice.randrange(len(data) - length), dice.randrange(len(data) - length)
    data[first : first + length], data[second : second + length] = (
        data[second : second + length],
        data[first : first + length],
    )


def edge_number(data: bytearray, dice: random.Random) -> None:
    place = dice.randrange(max(len(data) - 4, 1))
    data[place : place + 4] = struct.pack(dice.choice("<>") + "I", dice.choice(EDGES))


def edge_number_in_field(data: bytearray, dice: random.Random) -> None:
    """An extreme number right before or behind the name of a structure: its size, its count or its first values."""
    present = [field for field in FIELDS if field in data]
    if not present:
        return
    for _ in range(dice.choice([1, 1, 2, 4])):
        field = dice.choice(present)
        places = [place for place in range(len(data) - len(field)) if data.startswith(field, place)][:40]
        if places:
            place = max(dice.choice(places) + dice.choice([-4, 4, 8, 12, 16, 20, 24, 28, 36]), 0)
            data[place : place + 4] = struct.pack(dice.choice("<>") + "I", dice.choice(EDGES))


def rename_field(data: bytearray, dice: random.Random) -> None:
    present = [field for field in FIELDS if len(field) == 4 and field in data]
    if present:
        place = data.index(dice.choice(present))
        data[place : place + 4] = dice.choice([field for field in FIELDS if len(field) == 4])


MUTATIONS: list[Mutation] = [
    flip_bits,
    overwrite_span,
    cut_off,
    remove_span,
    insert_span,
    repeat_span,
    exchange_spans,
    edge_number,
    edge_number_in_field,
    edge_number_in_field,  # twice: it finds the most
    rename_field,
]


def mutate(seeds: list[bytes], number: int) -> bytes:
    """Mutation `number`: always the same bytes for the same seeds."""
    dice = random.Random(number)
    data = bytearray(dice.choice(seeds))
    if dice.random() < 0.1:  # the head of one video, the tail of another
        other = dice.choice(seeds)
        data[dice.randrange(len(data)) :] = other[dice.randrange(len(other)) :]
    for _ in range(dice.choice([1, 1, 2, 3])):
        if len(data) > 64:
            dice.choice(MUTATIONS)(data, dice)
    return bytes(data)


def make_seeds(folder: Path) -> list[bytes]:
    """Small good videos, one for each parser and decoder that an upload can reach."""
    small = partial(make_clip, seconds=1.2, fps=10)
    sound = tone(1.2)
    fragmented = {"movflags": "frag_keyframe+empty_moov"}
    paths = [
        small(folder / "a.mp4", audio=sound, options={"preset": "medium", "g": "5"}),
        small(folder / "b.mp4", audio=sound, container_options=fragmented),
        small(folder / "c.mov", codec="libx265", rotation=90, audio=tone(1.2, codec="pcm_s16le")),
        small(folder / "d.mkv", audio=tone(1.2, codec="flac")),
        small(folder / "e.webm", codec="libvpx-vp9", audio=tone(1.2, codec="libopus")),
        small(folder / "f.webm", codec="libsvtav1"),
        small(folder / "g.avi", codec="mpeg4", audio=tone(1.2, codec="libmp3lame")),
        small(folder / "h.avi", codec="mjpeg", pixel_format="yuvj420p"),
        talking_head(folder / "i.mp4", 1.2, (320, 240), fps=10),
        talking_head(folder / "j.mkv", 1.2, (320, 240), fps=10),
    ]
    return [path.read_bytes() for path in paths]
