"""A sheet to draw a small plot on and save as PNG. Drawn larger than it is kept, so that lines have no steps.

The font is the one that Pillow carries: it knows the letters of Western Europe alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from PIL import Image, ImageDraw, ImageFont

KEPT, DRAWN = 2, 4  # pixels per unit of the sheet
INK, DIM, GRID, BLUE, RED, GREEN = "#1f2937", "#6b7280", "#e5e7eb", "#2563eb", "#dc2626", "#15803d"
TICKS = 6  # at most, on an axis
Point = tuple[float, float]
Anchor = Literal["lm", "mm", "rm"]  # the text's left end, middle or right end is at the point


class Canvas:
    def __init__(self, width: float, height: float) -> None:
        self.width, self.height = width, height
        self._image = Image.new("RGB", (round(width * DRAWN), round(height * DRAWN)), "white")
        self._draw = ImageDraw.Draw(self._image)

    def line(self, points: Sequence[Point], colour: str = INK, width: float = 1.0, *, dash: float = 0) -> None:
        if dash:
            (x0, y0), (x1, y1) = points[0], points[-1]
            pieces = max(1, round(max(abs(x1 - x0), abs(y1 - y0)) / dash))
            at = [(x0 + (x1 - x0) * n / pieces, y0 + (y1 - y0) * n / pieces) for n in range(pieces + 1)]
            for begin, end in zip(at[::2], at[1::2], strict=False):
                self.line([begin, end], colour, width)
            return
        self._draw.line([(x * DRAWN, y * DRAWN) for x, y in points], colour, round(width * DRAWN), joint="curve")

    def area(self, points: Sequence[Point], colour: str) -> None:
        self._draw.polygon([(x * DRAWN, y * DRAWN) for x, y in points], fill=colour)

    def dot(self, x: float, y: float, colour: str = INK, radius: float = 4.0) -> None:
        self._draw.circle((x * DRAWN, y * DRAWN), radius * DRAWN, fill=colour, outline="white", width=DRAWN)

    def text(
        self, x: float, y: float, words: str, *, size: float = 13, colour: str = INK, anchor: Anchor = "lm"
    ) -> None:
        font = ImageFont.load_default(size * DRAWN)
        self._draw.text((x * DRAWN, y * DRAWN), words, fill=colour, font=font, anchor=anchor)

    def save(self, path: Path) -> None:
        size = (round(self.width * KEPT), round(self.height * KEPT))
        path.parent.mkdir(parents=True, exist_ok=True)
        self._image.resize(size, Image.Resampling.LANCZOS).save(path, optimize=True)


def round_steps(low: float, high: float) -> list[float]:
    """Round numbers between the two, as the ticks of an axis."""
    for step in (0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0):
        first, last = -(-low // step), high // step
        if last - first < TICKS:
            return [round(step * place, 6) for place in range(round(first), round(last) + 1)]
    return [low, high]
