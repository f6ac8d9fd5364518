"""The cross-dataset matrix as a sheet of cells: the darker, the better than chance."""

from __future__ import annotations

from collections.abc import Sequence

from model_src.studies.canvas import DIM, INK, Canvas
from model_src.studies.cross import Cell
from model_src.studies.forest import shortened

NAMES, TOP, WIDE, HIGH, MARGIN = 220, 96, 130, 56, 30
PALE, DARK = (239, 246, 255), (37, 99, 235)  # at chance and below, at 1


def heat(title: str, cells: Sequence[Cell]) -> Canvas:
    down = list(dict.fromkeys(cell.learnt for cell in cells))
    across = list(dict.fromkeys(cell.tested for cell in cells))
    sheet = Canvas(max(NAMES + WIDE * len(across) + MARGIN, 420), TOP + HIGH * len(down) + MARGIN)
    sheet.text(20, 28, title, size=16)
    for place, name in enumerate(across):
        sheet.text(NAMES + WIDE * (place + 0.5), TOP - 18, shortened(name, 18), size=12, colour=DIM, anchor="mm")
    for place, name in enumerate(down):
        sheet.text(20, TOP + HIGH * (place + 0.5), shortened(name, 28))
    for cell in cells:
        left, top = NAMES + WIDE * across.index(cell.tested), TOP + HIGH * down.index(cell.learnt)
        x, y, auc = left + WIDE / 2, top + HIGH / 2, cell.found.auc
        share = 0.0 if auc is None else max(0.0, 2 * auc - 1)
        corners = [(left + 2, top + 2), (left + WIDE - 2, top + 2), (left + WIDE - 2, top + HIGH - 2),
                   (left + 2, top + HIGH - 2)]  # fmt: skip
        sheet.area(corners, mixed(share))
        ink, quiet = ("white", "#dbeafe") if share > 0.55 else (INK, DIM)
        sheet.text(x, y - 8, "none" if auc is None else f"{auc:.3f}", size=15, colour=ink, anchor="mm")
        if cell.found.interval:
            low, high = cell.found.interval
            sheet.text(x, y + 12, f"{low:.3f} - {high:.3f}", size=10, colour=quiet, anchor="mm")
    return sheet


def mixed(share: float) -> str:
    return "#" + "".join(f"{round(pale + share * (dark - pale)):02x}" for pale, dark in zip(PALE, DARK, strict=True))
