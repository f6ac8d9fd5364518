"""From what the models make of frames to the score of each; several models answer with their mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from model_src.explain.named_regions import named_regions
from model_src.models.ensemble import mean_log_odds
from model_src.serving.finite_numbers import Numbers, numbers, told
from model_src.serving.group import Group, Share
from model_src.serving.saliency import Heat
from model_src.serving.view import View
from model_src.verdict.scores import FrameScore


def frame_logits(group: Group, views: Sequence[View]) -> Numbers:
    """How suspicious every frame of the batch is, by the windows of this group: log-odds [N]."""
    each = [
        view.model.score_frames(view.codes.frames.embeddings, group.window_frames, view.windows)
        for view in views
        if view.codes.frames is not None
    ]
    return numbers(mean_log_odds(torch.stack(each))) if each else np.zeros(0)


def frame_scores(share: Share, logits: Numbers, heats: dict[int, Heat]) -> list[FrameScore]:
    """Every frame of a chunk; the most suspicious ones with where in the face it comes from."""
    chunk = share.chunk
    return [
        FrameScore(
            frame_id=int(chunk.frame_ids[frame]),
            timestamp=float(chunk.timestamps[frame]),
            logit=logit,
            **explained(heats.get(share.frames.start + frame), chunk.transforms[frame]),
        )
        for frame, logit in enumerate(told(logits[share.frames]))
    ]


def explained(heat: Heat | None, transform: NDArray[np.float32]) -> dict[str, Any]:
    if heat is None:
        return {}
    regions = named_regions(told(heat.regions))
    return {"saliency": told(heat.grid), "regions": regions, "transform": transform.tolist()}
