"""A file inside an installed package, found without importing the package: it may want what we do without."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path


def packaged_file(package: str, name: str) -> Path | None:
    try:
        files = metadata.files(package) or []
    except metadata.PackageNotFoundError:
        return None
    found = [Path(str(file.locate())) for file in files if file.name == name]
    return found[0] if found and found[0].is_file() else None
