"""Preextracted videos on disk: one folder per video, its chunks as files, and a record that vouches for them.

    <store>/<video_id>/chunk_0000.chunk     crops, sound, voice and windows, as preprocessing hands them over
    <store>/<video_id>/record.json          SHA-256 of the source and of every chunk, the settings, or why there is none

The record is written last and in one step: a folder without one is work that was interrupted.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from model_src.preprocess.checksum import sha256
from model_src.preprocess.chunk import Chunk
from model_src.write_whole import write_whole

RECORD = "record.json"


class ChunkFile(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    sha256: str
    windows: int = Field(ge=1)


class Look(BaseModel):
    """What a file shows without being read: a file that looks the same is taken to be the same."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: int
    changed_ns: int

    @classmethod
    def at(cls, path: Path) -> Self:
        status = path.stat()
        return cls(size=status.st_size, changed_ns=status.st_mtime_ns)


class Record(BaseModel):
    """What became of one video."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    video_id: str
    source_sha256: str
    look: Look | None = Field(None, description="of the source; null in records of earlier versions")
    settings: dict[str, Any] = Field(description="the settings it was split with")
    chunks: list[ChunkFile] = []
    report: dict[str, Any] | None = Field(None, description="of the split")
    rejected: str | None = Field(None, description="the error code, where the video could not be used")
    reason: str | None = None

    @property
    def windows(self) -> int:
        return sum(chunk.windows for chunk in self.chunks)


class Store:
    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, video_id: str) -> Path:
        return self.root / video_id

    def record(self, video_id: str) -> Record | None:
        """None where the video was never extracted to its end."""
        try:
            return Record.model_validate_json((self.folder(video_id) / RECORD).read_bytes())
        except FileNotFoundError:
            return None
        except ValidationError as error:
            raise ValueError(f"{self.folder(video_id) / RECORD} is not a record; delete it to extract again") from error

    def write_record(self, record: Record) -> None:
        with write_whole(self.folder(record.video_id) / RECORD) as unfinished:
            unfinished.write_text(record.model_dump_json(indent=2), encoding="utf-8")

    def write_chunk(self, video_id: str, chunk: Chunk) -> ChunkFile:
        name = f"chunk_{chunk.index:04d}.chunk"
        content = chunk.to_bytes()
        folder = self.folder(video_id)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
        return ChunkFile(name=name, sha256=hashlib.sha256(content).hexdigest(), windows=len(chunk.window_starts))

    def read_chunk(self, video_id: str, name: str) -> Chunk:
        """The file carries its own checksum, so damage is found at every read."""
        return Chunk.from_bytes((self.folder(video_id) / name).read_bytes())

    def damaged(self, record: Record) -> list[str]:
        """The files of a record that are gone or are not what was written."""
        folder = self.folder(record.video_id)
        return [
            chunk.name
            for chunk in record.chunks
            if not (folder / chunk.name).is_file() or sha256(folder / chunk.name) != chunk.sha256
        ]
