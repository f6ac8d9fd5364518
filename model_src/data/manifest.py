"""Lists of videos: a CSV or JSON file, or a folder tree `split/video_id/video.mp4` with a `meta.json` beside it.

    video_id,label,split,path
    video_001,0,train,train/video_001/video.mp4

Paths in a file are relative to the data root where one is given, otherwise to the file. More columns are the fields of
`Video`; several identities in one CSV cell are separated by spaces.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from model_src.data.video import SPLITS, Video

LIST = "manifest.json"  # what commands call the list of the recordings they wrote
SUFFIXES = {".mp4", ".m4v", ".mov", ".avi", ".webm", ".mkv"}
META = "meta.json"
COLUMNS = ("video_id", "label", "split", "path")  # that a CSV file has in any case


class ManifestInvalid(ValueError):
    """The list of videos cannot be used; the message says which entry and why."""


def read_manifest(path: Path, data_root: Path | None = None) -> list[Video]:
    root = (data_root or path.parent).resolve()
    if not path.is_file():
        raise ManifestInvalid(f"There is no manifest at {path}.")
    if path.suffix == ".csv":
        rows = _rows(path)
    elif path.suffix == ".json":
        rows = _parsed(path)
        rows = rows.get("videos", rows) if isinstance(rows, dict) else rows
    else:
        raise ManifestInvalid(f"{path} is neither a .csv nor a .json file.")
    if not isinstance(rows, list) or not rows:
        raise ManifestInvalid(f"{path} lists no videos.")
    return unique([_video(row, f"{path}, entry {number}", root) for number, row in enumerate(rows, start=1)])


def _text(path: Path) -> str:
    """Spreadsheets put a mark in front of UTF-8."""
    content = path.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ManifestInvalid(f"{path}, line {line}: this is no UTF-8; save the file as UTF-8.") from error


def _parsed(path: Path) -> Any:
    try:
        return json.loads(_text(path))
    except json.JSONDecodeError as error:
        raise ManifestInvalid(f"{path}, line {error.lineno}: this is no JSON: {error.msg}.") from error


def _rows(path: Path) -> list[dict[str, Any]]:
    reader = csv.DictReader(io.StringIO(_text(path), newline=""))
    try:
        columns = reader.fieldnames or []
        missing = [name for name in COLUMNS if name not in columns]
        if missing:
            found = ", ".join(columns) or "none"
            raise ManifestInvalid(f"{path} lacks {', '.join(missing)}; its columns, set apart by commas, are: {found}.")
        return [_plain_row(row) for row in reader]
    except csv.Error as error:
        raise ManifestInvalid(f"{path}, line {reader.line_num}: this is no CSV: {error}.") from error


def _plain_row(row: dict[str, Any]) -> dict[str, Any]:
    """CSV knows only text; an empty cell is a field that is not given."""
    plain: dict[str, Any] = {key: cell for key, cell in row.items() if key is not None and cell not in (None, "")}
    for field in ("label", "video_label", "audio_label"):
        if str(plain.get(field, "")) in ("0", "1"):
            plain[field] = int(plain[field])
    if "identities" in plain:
        plain["identities"] = plain["identities"].split()
    return plain


def _video(row: Any, where: str, root: Path) -> Video:
    if not isinstance(row, dict):
        raise ManifestInvalid(f"{where}: not a record.")
    try:
        video = Video.model_validate(row)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "the record"
        raise ManifestInvalid(f"{where}: {field}: {first['msg']}.") from error
    return video if video.path.is_absolute() else video.model_copy(update={"path": root / video.path})


def scan_tree(root: Path) -> list[Video]:
    """`split/video_id/` holds one video and a `meta.json` with at least its label."""
    root, videos = root.resolve(), []
    for folder in sorted(root.glob("[!.]*/")):
        if folder.name not in SPLITS and any(_videos_in(inner) for inner in folder.glob("*")):
            raise ManifestInvalid(f"{folder} holds videos and is no split; the splits are {', '.join(SPLITS)}.")
    for split in SPLITS:
        for folder in sorted((root / split).glob("*")):
            files, meta = _videos_in(folder), folder / META
            if not meta.is_file():
                if files:
                    raise ManifestInvalid(f"{files[0]} has no {META} beside it, in a folder split/video_id/.")
                continue
            if len(files) != 1:
                raise ManifestInvalid(f"{folder} holds {len(files)} videos; it should hold one.")
            row = _parsed(meta)
            if isinstance(row, dict):
                row = {"video_id": folder.name, "split": split, "path": files[0]} | row
            videos.append(_video(row, str(meta), root))
    if not videos:
        raise ManifestInvalid(f"{root} holds no split/video_id/{META} for a split of {', '.join(SPLITS)}.")
    return unique(videos)


def _videos_in(place: Path) -> list[Path]:
    files = place.glob("*") if place.is_dir() else [place]
    return sorted(file for file in files if file.suffix.lower() in SUFFIXES)


def unique(videos: Sequence[Video]) -> list[Video]:
    seen: set[str] = set()
    for video in videos:
        if video.video_id in seen:
            raise ManifestInvalid(f"Two videos are called {video.video_id}.")
        seen.add(video.video_id)
    return list(videos)


def write_manifest(path: Path, videos: Iterable[Video]) -> None:
    """As JSON, with absolute paths: what a layout was read as, for the next command."""
    rows = [video.model_dump(mode="json") | {"path": str(video.path.resolve())} for video in videos]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"videos": rows}, indent=2) + "\n", encoding="utf-8")
