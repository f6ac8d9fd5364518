"""The AUC under attack, from no change to the largest, with its intervals as bands."""

from __future__ import annotations

from collections.abc import Sequence

from model_src.studies.attack import CLEAN, KINDS, Attacked
from model_src.studies.canvas import BLUE, DIM, GRID, RED, Canvas

LEFT, TOP, WIDTH, HEIGHT, RIGHT, BOTTOM = 64, 88, 520, 300, 40, 62
COLOURS = dict(zip(KINDS, (BLUE, RED), strict=True))
WIDTHS = dict(zip(KINDS, (4, 1.5), strict=True))  # where both run together, both are seen
BANDS = dict(zip(KINDS, ("#dbeafe", "#fee2e2"), strict=True))


def epsilon_curve(title: str, rows: Sequence[Attacked]) -> Canvas:
    sheet = Canvas(LEFT + WIDTH + RIGHT, TOP + HEIGHT + BOTTOM)
    widest = max((row.epsilon for row in rows), default=1.0) or 1.0

    def at(epsilon: float, auc: float) -> tuple[float, float]:
        return LEFT + WIDTH * epsilon / widest, TOP + HEIGHT * (1 - auc)

    lines = {
        kind: [row for row in rows if row.kind in (kind, CLEAN[0]) and row.found.auc is not None] for kind in KINDS
    }
    for kind, line in lines.items():
        spans = [(row.epsilon, row.found.interval) for row in line if row.found.interval]
        if len(spans) > 1:
            low = [at(epsilon, span[0]) for epsilon, span in spans]
            sheet.area([*low, *(at(epsilon, span[1]) for epsilon, span in reversed(spans))], BANDS[kind])
    sheet.text(LEFT - 44, 28, title, size=16)
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        sheet.line([at(0, share), at(widest, share)], GRID)
        sheet.text(LEFT - 10, at(0, share)[1], f"{share:.2f}", size=11, colour=DIM, anchor="rm")
    sheet.line([at(0, 0.5), at(widest, 0.5)], DIM, dash=4)
    for epsilon in sorted({row.epsilon for row in rows}):
        x, y = at(epsilon, 0)
        sheet.line([(x, y), (x, y + 5)], DIM)
        sheet.text(x, y + 16, f"{epsilon:g}", size=11, colour=DIM, anchor="mm")
    sheet.text(LEFT + WIDTH / 2, TOP + HEIGHT + 42, "largest change of a pixel, of 255", size=12, anchor="mm")
    sheet.text(LEFT - 44, TOP - 22, "AUC", size=12)
    for place, (kind, line) in enumerate(lines.items()):
        points = [at(row.epsilon, row.found.auc or 0.0) for row in line]
        sheet.line(points, COLOURS[kind], WIDTHS[kind])
        for x, y in points:
            sheet.dot(x, y, COLOURS[kind], 2 + WIDTHS[kind])
        x = LEFT + WIDTH - 130 + 75 * place
        sheet.line([(x, 28), (x + 18, 28)], COLOURS[kind], WIDTHS[kind])
        sheet.text(x + 24, 28, kind, size=12)
    return sheet
