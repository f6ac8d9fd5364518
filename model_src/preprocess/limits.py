"""What a video may be. Everything outside is refused with a sentence, before it costs anything."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """240p to 1080p in any orientation, 1 second to 10 minutes, 500 MiB: what the service accepts by default."""

    min_short_side: int = 240
    max_short_side: int = 1080
    max_long_side: int = 1920
    min_seconds: float = 1.0
    max_seconds: float = 600.0
    max_bytes: int = 500 * 1024**2
    max_frame_rate: float = 240.0

    @property
    def max_frames(self) -> int:
        """More packets than this are too long at any frame rate we believe."""
        return int(self.max_seconds * self.max_frame_rate)

    @property
    def max_pixels(self) -> int:
        """What a decoder may be asked to allocate: one frame with room for codecs that round sizes up to 64."""
        return (self.max_short_side + 64) * (self.max_long_side + 64)

    def size_text(self) -> str:
        return f"{self.min_short_side}p to {self.max_short_side}p"
