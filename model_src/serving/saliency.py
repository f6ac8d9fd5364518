"""The most suspicious frames of each chunk, and where in them their suspicion comes from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from model_src.explain.grad_cam import grad_cam
from model_src.explain.named_regions import heat_on_regions, shares
from model_src.explain.region_evidence import region_evidence
from model_src.serving.finite_numbers import Numbers, fetched
from model_src.serving.group import Group, Share
from model_src.serving.view import View
from model_src.verdict.moments import most_suspicious

SALIENCY_DIGITS = 3


def moments(share: Share, logits: Numbers) -> list[int]:
    """The most suspicious frames of a chunk, by their rows in the batch; none where no window holds one of them."""
    own = logits[share.frames]
    if not np.isfinite(own).all():
        return []
    rows = [share.frames.start + frame for frame in most_suspicious(share.chunk.timestamps.tolist(), own.tolist())]
    return rows if np.isin(share.window_frames, rows).any() else []


class Heat(NamedTuple):
    """Where in one frame its score comes from."""

    grid: Numbers  # [h, w], 0 to 1
    regions: Numbers  # [R], the part of each region of the face


def saliency(group: Group, views: Sequence[View], shown: list[int]) -> dict[int, Heat]:
    """Of these frames, forwards and back through the heads alone."""
    if not shown:
        return {}
    holding = np.concatenate([np.isin(share.window_frames, shown).any(axis=1) for share in group.shares])  # [K]
    rows = torch.from_numpy(np.flatnonzero(holding)).to(group.window_frames.device)
    each = [heat_map(view, group.window_frames, rows) for view in views]
    grids = torch.stack([grid[shown] for grid, _ in each]).mean(dim=0)  # [n, h, w]
    regions = torch.stack([shares(strengths[shown]) for _, strengths in each]).mean(dim=0)  # [n, R]
    heats = map(Heat, fetched(grids, SALIENCY_DIGITS), fetched(regions, SALIENCY_DIGITS))
    return dict(zip(shown, heats, strict=True))


def heat_map(view: View, window_frames: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Only the windows in `rows` go through the heads: heat of the batch's frames [N, h, w], and by region [N, R]."""
    assert view.codes.frames is not None
    codes, whole = view.codes.frames, view.assembled
    audio = None if whole.audio is None else whole.audio[rows]
    audio_mask = None if whole.audio_mask is None else whole.audio_mask[rows]
    rest = (window_frames[rows], audio, audio_mask, codes.mouths)
    if view.model.temporal.judges_frames:
        grid = grad_cam(view.model, codes.embeddings, codes.maps, *rest)
        return grid, heat_on_regions(grid)
    return region_evidence(view.model, codes.embeddings, *rest)
