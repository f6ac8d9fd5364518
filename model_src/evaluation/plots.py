"""Small plots as SVG text: no library, no script, sharp at any size."""

from __future__ import annotations

from collections.abc import Sequence

SIDE, LEFT, TOP = 260, 54, 30  # the square of the plot and where it begins
INK, GRID, LINE, GHOST = "#1f2937", "#e5e7eb", "#2563eb", "#9ca3af"
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
) -> str:
    """A curve over 0..1. `dots` marks every point with that share of the largest radius; `highest` is the top of y."""
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
    width, height = LEFT + SIDE + 20, TOP + SIDE + 46
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" aria-label="{title}" '
        f'font-family="system-ui, sans-serif" font-size="11" fill="{INK}">{"".join(parts)}</svg>'
    )


def frame(title: str, across: str, up: str, highest: float) -> str:
    middle = LEFT + SIDE / 2
    parts = [f'<text x="{middle}" y="18" text-anchor="middle" font-size="13" font-weight="600">{title}</text>']
    for tick in TICKS:
        parts += [
            f'<path d="M{_x(tick)} {_y(0)}V{_y(1)}M{_x(0)} {_y(tick)}H{_x(1)}" stroke="{GRID}"/>',
            f'<text x="{_x(tick)}" y="{_y(0) + 15}" text-anchor="middle">{tick:g}</text>',
            f'<text x="{LEFT - 6}" y="{_y(tick) + 4}" text-anchor="end">{tick * highest:.2g}</text>',
        ]
    parts.append(f'<text x="{middle}" y="{_y(0) + 34}" text-anchor="middle">{across}</text>')
    parts.append(f'<text transform="translate(11 {TOP + SIDE / 2}) rotate(-90)" text-anchor="middle">{up}</text>')
    return "".join(parts)
