"""Small plots as SVG text: no library, no script, sharp at any size."""

from __future__ import annotations

import math
from collections.abc import Sequence

SIDE, LEFT, TOP = 260, 54, 30  # the square of the plot and where it begins
INK, GRID, LINE, GHOST = "#1f2937", "#e5e7eb", "#2563eb", "#9ca3af"
REAL, FAKE = "#15803d", "#dc2626"
TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)


def _x(value: float) -> float:
    return round(LEFT + SIDE * value, 1)


def _y(value: float) -> float:
    return round(TOP + SIDE * (1 - value), 1)


def plot(
    title: str,
    across: str,
    up: str,
    xs: Sequence[float],
    ys: Sequence[float],
    *,
    diagonal: bool = False,
    steps: bool = False,
    dots: Sequence[float] | None = None,
    highest: float = 1.0,
    mark: tuple[float, float, str] | None = None,
) -> str:
    """A curve over 0..1. `dots` marks every point with that share of the largest radius; `highest` is the top of y.

    `mark` is one point to be seen, and its name.
    """
    scaled = [y / highest for y in ys]
    parts = [frame(title, across, up, highest)]
    if diagonal:
        parts.append(f'<path d="M{_x(0)} {_y(0)}L{_x(1)} {_y(1)}" stroke="{GHOST}" stroke-dasharray="4 4"/>')
    points = list(zip(xs, scaled, strict=True))
    path = "".join(
        f"{'L' if number else 'M'}{_x(x)} "
        + (f"{_y(points[number - 1][1])}L{_x(x)} " if steps and number else "")
        + f"{_y(y)}"
        for number, (x, y) in enumerate(points)
    )
    if path:
        parts.append(f'<path d="{path}" fill="none" stroke="{LINE}" stroke-width="2" stroke-linejoin="round"/>')
    for (x, y), share in zip(points, dots or [], strict=False):
        parts.append(f'<circle cx="{_x(x)}" cy="{_y(y)}" r="{2.5 + 5 * share:.1f}" fill="{LINE}" fill-opacity=".55"/>')
    if mark is not None:
        x, y, name = mark
        parts.append(f'<circle cx="{_x(x)}" cy="{_y(y / highest)}" r="4.5" fill="{FAKE}" stroke="white"/>')
        left = x > 0.5  # no name leaves the plot
        place = (
            f'x="{_x(x) + (-9 if left else 9)}" y="{_y(y / highest) + 14}" text-anchor="{"end" if left else "start"}"'
        )
        parts.append(f'<text {place} fill="{FAKE}">{name}</text>')
    return sheet(title, parts)


def histogram(title: str, across: str, up: str, reals: Sequence[int], fakes: Sequence[int]) -> str:
    """How many reals and fakes lie in each of as many equal parts of 0..1, side by side."""
    top = rounded_up(max(*reals, *fakes, 1))
    parts, step = [frame(title, across, up, top)], 1 / len(reals)
    for colour, counts, shift in ((REAL, reals, 0.08), (FAKE, fakes, 0.5)):
        for number, count in enumerate(counts):
            if count:
                x, y, width = _x((number + shift) * step), _y(count / top), SIDE * step * 0.42
                parts.append(
                    f'<rect x="{x}" y="{y}" width="{width:.1f}" height="{_y(0) - y:.1f}" fill="{colour}" rx="1"/>'
                )
    parts.append(f'<text x="{_x(0.5) - 8}" y="{_y(1) + 14}" text-anchor="end" fill="{REAL}">real</text>')
    parts.append(f'<text x="{_x(0.5) + 8}" y="{_y(1) + 14}" fill="{FAKE}">fake</text>')
    return sheet(title, parts)


def sheet(title: str, parts: Sequence[str]) -> str:
    width, height = LEFT + SIDE + 20, TOP + SIDE + 46
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{title}" '
        f'font-family="system-ui, sans-serif" font-size="11" fill="{INK}">{"".join(parts)}</svg>'
    )


def rounded_up(value: float) -> float:
    """The next round number: its quarters can be read, too."""
    size = 10.0 ** math.floor(math.log10(value))
    return next(round(step * size, 9) for step in (1, 2, 4, 6, 8, 10) if step * size >= value - 1e-12)


def frame(title: str, across: str, up: str, highest: float) -> str:
    middle = LEFT + SIDE / 2
    parts = [f'<text x="{middle}" y="18" text-anchor="middle" font-size="13" font-weight="600">{title}</text>']
    for tick in TICKS:
        parts += [
            f'<path d="M{_x(tick)} {_y(0)}V{_y(1)}M{_x(0)} {_y(tick)}H{_x(1)}" stroke="{GRID}"/>',
            f'<text x="{_x(tick)}" y="{_y(0) + 15}" text-anchor="middle">{tick:g}</text>',
            f'<text x="{LEFT - 6}" y="{_y(tick) + 4}" text-anchor="end">{tick * highest:.3g}</text>',
        ]
    parts.append(f'<text x="{middle}" y="{_y(0) + 34}" text-anchor="middle">{across}</text>')
    parts.append(f'<text transform="translate(11 {TOP + SIDE / 2}) rotate(-90)" text-anchor="middle">{up}</text>')
    return "".join(parts)
