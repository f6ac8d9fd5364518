"""A video on local disk for as long as a step works on it, and not a moment longer."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from functions.core.uploads import Upload
from functions.core.wiring import files


@contextmanager
def downloaded(upload: Upload) -> Iterator[Path]:
    """Lambda reuses /tmp between videos: whatever happens, this one's file is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="aura-") as folder:
        path = Path(folder) / "video"  # never the uploader's name: names are hostile too
        files().download(upload, path)
        yield path
