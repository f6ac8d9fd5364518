"""What one model makes of the windows of a group: the ground of all that is said about them."""

from __future__ import annotations

from dataclasses import dataclass

from model_src.models import MultimodalModel
from model_src.models.outputs import WindowLogits
from model_src.serving.group import Assembled, Group, assemble
from model_src.serving.material import Codes


@dataclass(frozen=True)
class View:
    """One model's view of a group of chunks."""

    model: MultimodalModel
    codes: Codes  # of the whole batch
    assembled: Assembled
    windows: WindowLogits  # of the group's K windows


def look(model: MultimodalModel, codes: Codes, group: Group) -> View:
    given = assemble(codes, group)
    windows = model.score_windows(given.frames, given.frame_mask, given.audio, given.audio_mask, given.mouths)
    return View(model, codes, given, windows)
