"""A small file can unpack to a picture that takes all memory: what has more pixels is refused unread."""

from __future__ import annotations

import os

MAX_PIXELS = 64 * 1024 * 1024


def bound_pictures() -> None:
    """Before OpenCV is imported: it reads this once. Who has set another limit keeps it."""
    os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(MAX_PIXELS))
