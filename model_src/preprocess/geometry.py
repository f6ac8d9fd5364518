"""How a stored frame becomes a displayed one: square pixels, upright."""

from __future__ import annotations

from fractions import Fraction

from av.video.frame import VideoFrame


def turns_of(frame: VideoFrame) -> int:
    """Quarter turns clockwise that make the frame upright. PyAV tells the angle counterclockwise."""
    return round(-frame.rotation / 90) % 4


def display_size(width: int, height: int, pixel_aspect: Fraction | None, turns: int) -> tuple[int, int]:
    """Width and height after the pixels were made square and the frame upright."""
    if pixel_aspect and Fraction(1, 3) <= pixel_aspect <= 3:
        width = round(width * pixel_aspect)
    return (height, width) if turns % 2 else (width, height)
