"""The uploaded file as FFmpeg may see it: one open descriptor of a regular file, and a demuxer chosen by us.

FFmpeg reads names as URLs (`concat:a|b`, `http:…`) and guesses formats that open other files (playlists, image
sequences, scripts). So a name never reaches it: the file is opened here, judged by its first bytes, and handed on as
`/proc/self/fd/N` together with the one demuxer that these bytes allow.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from model_src.preprocess.errors import VideoRejected
from model_src.preprocess.limits import Limits

ALLOWED = "MP4, MOV, MKV, WebM and AVI are accepted"

# Boxes an MP4 or MOV may begin with. The type stands after the box's 32-bit size.
MOV_BOXES = {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp", b"uuid"}
PICTURE_BRANDS = {b"avif", b"avis", b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1", b"crx "}


@contextmanager
def open_video(path: str | os.PathLike[str], limits: Limits) -> Iterator[int]:
    """Yield a descriptor of the regular file at `path`. A pipe or device is refused without waiting for it."""
    try:
        descriptor = os.open(Path(path).absolute(), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        raise VideoRejected("corrupt_video", "The file could not be opened.") from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise VideoRejected("unsupported_container", f"This is not a regular file; {ALLOWED}.")
        if status.st_size == 0:
            raise VideoRejected("corrupt_video", "The file is empty.")
        if status.st_size > limits.max_bytes:
            found, allowed = status.st_size / 1024**2, limits.max_bytes / 1024**2
            raise VideoRejected("too_large", f"The file has {found:.0f} MB; at most {allowed:.0f} MB are accepted.")
        yield descriptor
    finally:
        os.close(descriptor)


def descriptor_path(descriptor: int) -> str:
    """A name for the open file that no protocol handler can mistake for a URL."""
    return f"/proc/self/fd/{descriptor}"


def choose_demuxer(descriptor: int) -> str:
    """FFmpeg's demuxer for these bytes: mov, matroska or avi, or a rejection."""
    head = os.pread(descriptor, 32, 0)
    if head[4:8] == b"ftyp" and head[8:12] in PICTURE_BRANDS:
        raise VideoRejected("unsupported_container", f"The file is a picture, not a video; {ALLOWED}.")
    if head[4:8] in MOV_BOXES:
        return "mov"
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return "matroska"
    if head[:4] == b"RIFF" and head[8:12] in (b"AVI ", b"AVIX"):
        return "avi"
    raise VideoRejected("unsupported_container", f"The file is not a video container we know; {ALLOWED}.")
