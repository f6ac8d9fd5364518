"""A study at a glance: each row's AUC with its interval, the baseline as a line down the sheet."""

from __future__ import annotations

from collections.abc import Sequence

from model_src.studies.canvas import BLUE, DIM, GREEN, GRID, INK, RED, Canvas, round_steps
from model_src.studies.compare import Judgement

NAMES, PLOT, NUMBERS, ROW, TOP, BOTTOM = 230, 380, 210, 28, 78, 46
LEAST_RANGE = 0.1  # of AUC, so that noise is not drawn as large as the sheet


def forest(title: str, rows: Sequence[tuple[str, Judgement]]) -> Canvas:
    sheet = Canvas(NAMES + PLOT + NUMBERS, TOP + ROW * len(rows) + BOTTOM)
    low, high = bounds([found for _, found in rows])
    end = TOP + ROW * len(rows)

    def x(auc: float) -> float:
        return NAMES + PLOT * (auc - low) / (high - low)

    sheet.text(20, 26, title, size=16)
    sheet.text(NAMES + PLOT + 70, TOP - 16, "AUC", size=11, colour=DIM, anchor="rm")
    sheet.text(NAMES + PLOT + 185, TOP - 16, "to baseline", size=11, colour=DIM, anchor="rm")
    for tick in round_steps(low, high):
        sheet.line([(x(tick), TOP), (x(tick), end)], GRID)
        sheet.text(x(tick), end + 14, f"{tick:.2f}", size=11, colour=DIM, anchor="mm")
    sheet.text(NAMES + PLOT / 2, end + 32, "AUC, with 95 % interval", size=11, colour=DIM, anchor="mm")
    if rows and rows[0][1].auc is not None:
        sheet.line([(x(rows[0][1].auc), TOP), (x(rows[0][1].auc), end)], DIM, dash=4)
    for place, (name, found) in enumerate(rows):
        y = TOP + ROW * (place + 0.5)
        colour = colour_of(found)
        sheet.text(20, y, shortened(name), colour=INK)
        if found.auc is None:
            sheet.text(NAMES + 8, y, "nothing to compare", size=11, colour=DIM)
            continue
        if found.interval:
            sheet.line([(x(found.interval[0]), y), (x(found.interval[1]), y)], colour, 2)
        sheet.dot(x(found.auc), y, colour)
        sheet.text(NAMES + PLOT + 70, y, f"{found.auc:.3f}", anchor="rm")
        if found.difference is not None:
            sheet.text(NAMES + PLOT + 185, y, f"{found.difference:+.3f}", colour=colour, anchor="rm")
    return sheet


def bounds(found: Sequence[Judgement]) -> tuple[float, float]:
    values = [value for one in found if one.auc is not None for value in (one.auc, *(one.interval or ()))]
    low, high = min(values, default=0.5), max(values, default=1.0)
    low = min(low, high - LEAST_RANGE)
    margin = 0.04 * (high - low)
    return low - margin, high + margin


def colour_of(found: Judgement) -> str:
    """Only a difference that leaves out zero has a colour of its own."""
    if not found.differs or found.difference is None:
        return BLUE if found.difference is None else DIM
    return GREEN if found.difference > 0 else RED


def shortened(name: str, most: int = 30) -> str:
    return name if len(name) <= most else name[: most - 3] + "..."
