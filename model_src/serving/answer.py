"""From what the models make of some chunks to the numbers of each answer; several models answer with their mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model_src.explain.audio_anomalies import audio_anomalies, step_suspicion
from model_src.explain.grad_cam import grad_cam
from model_src.explain.named_regions import heat_on_regions, named_regions, shares
from model_src.explain.region_evidence import region_evidence
from model_src.models import MultimodalModel
from model_src.models.ensemble import mean_log_odds
from model_src.models.heads import log_odds
from model_src.models.outputs import WindowLogits
from model_src.preprocess.chunk import Chunk
from model_src.serving.errors import InferenceFailed
from model_src.serving.group import Assembled, Group, Share
from model_src.serving.material import Codes
from model_src.verdict.moments import most_suspicious
from model_src.verdict.scores import AudioAnomaly, FrameScore, WindowScore

PASSES = 10  # of MC dropout
DIGITS = 6
SALIENCY_DIGITS = 3

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class View:
    """One model's view of a group of chunks."""

    model: MultimodalModel
    codes: Codes  # of the whole batch
    assembled: Assembled
    windows: WindowLogits  # of the group's K windows


@dataclass(frozen=True)
class Answer:
    """What is said about one chunk."""

    windows: list[WindowScore] = field(default_factory=list)
    frames: list[FrameScore] = field(default_factory=list)
    audio_anomalies: list[AudioAnomaly] = field(default_factory=list)


def answers(group: Group, views: Sequence[View]) -> list[Answer | Exception]:
    """One for each chunk of the group; what is wrong with a chunk, a number that is none say, fails no other."""
    columns = Columns.of(group, views)
    frames = frame_logits(group, views)  # [N]
    suspicion = suspicious_steps(views)  # [K, A]
    shown = [row for share in group.shares for row in moments(share, frames)]
    heat = saliency(group, views, shown)
    found: list[Answer | Exception] = []
    for share, span in group.windows():
        try:
            answer = Answer(
                columns.scores(share, span),
                frame_scores(share, frames, heat),
                anomalies(share, suspicion[span]) if suspicion is not None else [],
            )
        except Exception as error:  # noqa: BLE001 - whatever it is, the chunk's sender is told
            found.append(error)
        else:
            found.append(answer)
    return found


# --- windows ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Columns:
    """Log-odds of the group's windows, fetched from the device at once; None where a model lacks a sense."""

    fused: Numbers  # [K]
    video: Numbers | None
    audio: Numbers | None
    has_video: NDArray[np.bool_]  # [K]
    has_audio: NDArray[np.bool_]
    sync: Numbers | None  # a probability, not log-odds
    sync_known: NDArray[np.bool_]
    passes: Numbers  # [K, passes]
    members: Numbers  # [K, M], of each model where there are several, else [K, 0]

    @classmethod
    def of(cls, group: Group, views: Sequence[View]) -> Columns:
        windows = [view.windows for view in views]
        members = torch.stack([log_odds(each.fused) for each in windows])  # [M, K]
        syncs = [each.sync for each in windows if each.sync is not None]  # of the models that can tell
        agree = torch.stack([torch.sigmoid(sync.logit) for sync in syncs]).mean(dim=0) if syncs else None
        has_video, has_audio = (there.cpu().numpy() for there in (windows[0].has_video, windows[0].has_audio))
        return cls(
            fused=numbers(mean_log_odds(members)),
            video=of_one_sense([each.video for each in windows]),
            audio=of_one_sense([each.audio for each in windows]),
            has_video=has_video,
            has_audio=has_audio,
            sync=None if agree is None else numbers(agree),
            sync_known=syncs[0].known.cpu().numpy() if syncs else np.zeros_like(has_video),
            passes=numbers(dropout_passes(group, views).T),
            members=numbers(members.T if len(views) > 1 else members.T[:, :0]),
        )

    def scores(self, share: Share, span: slice) -> list[WindowScore]:
        """Those of one chunk."""
        chunk = share.chunk
        fused, passes, members = told(self.fused[span]), told(self.passes[span]), told(self.members[span])
        video = present(self.video, self.has_video, span)
        audio = present(self.audio, self.has_audio, span)
        sync = present(self.sync, self.sync_known, span)
        return [
            WindowScore(
                index=int(chunk.window_indices[row]),
                start=float(chunk.window_starts[row]),
                end=window_end(chunk, row),
                partial=bool(chunk.window_partial[row]),
                logit=fused[place],
                video_logit=video[place],
                audio_logit=audio[place],
                lip_sync=sync[place],
                passes=passes[place],
                members=members[place],
            )
            for place, row in enumerate(share.rows.tolist())
        ]


def of_one_sense(logits: Sequence[Tensor | None]) -> Numbers | None:
    known = [log_odds(each) for each in logits if each is not None]
    return numbers(mean_log_odds(torch.stack(known))) if known else None


def dropout_passes(group: Group, views: Sequence[View]) -> Tensor:
    """The models take turns, so the passes scatter by what each doubts and by how far they disagree: [passes, K]."""
    seeds = [(share.chunk.index, len(share.rows)) for share in group.shares]
    passes = [log_odds(view.model.mc_dropout(view.windows, PASSES, seeds)) for view in views]  # M times [passes, K]
    return torch.stack([passes[turn % len(views)][turn] for turn in range(PASSES)])


def window_end(chunk: Chunk, row: int) -> float:
    """Where the window ends as far as the chunk knows; Aggregate, which knows the video's length, has the last word."""
    start = float(chunk.window_starts[row])
    return max(start, min(start + 1, chunk.end)) if chunk.window_partial[row] else start + 1


# --- frames -----------------------------------------------------------------------------------------------------------


def frame_logits(group: Group, views: Sequence[View]) -> Numbers:
    """How suspicious every frame of the batch is, by the windows of this group: log-odds [N]."""
    each = [
        view.model.score_frames(view.codes.frames.embeddings, group.window_frames, view.windows)
        for view in views
        if view.codes.frames is not None
    ]
    return numbers(mean_log_odds(torch.stack(each))) if each else np.zeros(0)


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


# --- sound ------------------------------------------------------------------------------------------------------------


def suspicious_steps(views: Sequence[View]) -> NDArray[np.float32] | None:
    """How suspicious each step of each window sounds, 0 to 1 [K, A]; None where nobody speaks or nobody listens."""
    heard = [
        step_suspicion(view.windows, view.assembled.audio_mask)
        for view in views
        if view.assembled.audio_mask is not None
    ]
    return torch.stack(heard).mean(dim=0).cpu().numpy() if heard else None


def anomalies(share: Share, suspicion: NDArray[np.float32]) -> list[AudioAnomaly]:
    """Spans in seconds of the whole video; none reaches beyond the sound of the chunk."""
    end = share.chunk.end
    found = audio_anomalies(suspicion, share.chunk.window_starts[share.rows].tolist())
    return [span.model_copy(update={"end": min(span.end, end)}) for span in found if span.start < end]


# --- numbers ----------------------------------------------------------------------------------------------------------


def numbers(values: Tensor) -> Numbers:
    return fetched(values, DIGITS)


def fetched(values: Tensor, digits: int) -> Numbers:
    """From the device, as exact as an answer says them."""
    return values.double().cpu().numpy().round(digits)


def told(values: Numbers) -> list[Any]:
    """As the answer holds them. Infinity and NaN are a failure, never an answer."""
    if not np.isfinite(values).all():
        raise InferenceFailed("The model gave a number that is none.")
    return values.tolist()


def present(values: Numbers | None, there: NDArray[np.bool_], span: slice) -> list[float | None]:
    """None for a window that lacks it."""
    if values is None:
        return [None] * len(there[span])
    return [value if has else None for value, has in zip(told(values[span]), there[span].tolist(), strict=True)]
