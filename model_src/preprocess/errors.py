"""Why a video cannot be analysed: an answer for a person, not a fault of the program."""

from __future__ import annotations

from typing import Literal

RejectionCode = Literal[
    "unsupported_container",
    "unsupported_codec",
    "corrupt_video",
    "resolution_out_of_range",
    "too_short",
    "too_long",
    "too_large",
    "no_video_stream",
    "no_face",
    "multiple_faces",
    "too_few_usable_frames",
]


class Refused(Exception):
    """What was sent cannot be analysed. `code` is stable, `message` says what was found and what is allowed."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class VideoRejected(Refused):
    """The video cannot be analysed."""

    def __init__(self, code: RejectionCode, message: str) -> None:  # one of the codes that the API knows
        super().__init__(code, message)


class ImageRejected(Refused):
    """The picture cannot be analysed."""


class ChunkInvalid(Refused):
    """The bytes are no chunk that this version can read."""


class DetectorUnavailable(RuntimeError):
    """The configured face detector cannot run here, for example because its weights file is missing."""


class SandboxFailed(RuntimeError):
    """The child process failed for a reason that is not the video's: a fault of this program or of the machine."""
