"""From what the models make of a chunk to the numbers of the answer; several models answer with their mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model_src.explain.audio_anomalies import audio_anomalies
from model_src.explain.grad_cam import grad_cam
from model_src.explain.region_evidence import region_evidence
from model_src.models import MultimodalModel
from model_src.models.ensemble import mean_log_odds
from model_src.models.heads import log_odds
from model_src.models.outputs import WindowLogits
from model_src.preprocess.chunk import Chunk
from model_src.serving.errors import InferenceFailed
from model_src.serving.material import Codes
from model_src.verdict.moments import most_suspicious
from model_src.verdict.scores import AudioAnomaly, FrameScore, WindowScore

PASSES = 10  # of MC dropout
DIGITS = 6
SALIENCY_DIGITS = 3


@dataclass(frozen=True)
class View:
    """One model's view of a chunk."""

    model: MultimodalModel
    codes: Codes
    windows: WindowLogits  # K of the chunk's windows


def window_scores(chunk: Chunk, rows: NDArray[np.int64], views: Sequence[View]) -> list[WindowScore]:
    """Scores of the windows in `rows` [K]."""
    members = torch.stack([log_odds(view.windows.fused) for view in views])  # [M, K]
    fused = numbers(mean_log_odds(members))  # [K]
    video = present([view.windows.video for view in views], views[0].windows.has_video)
    audio = present([view.windows.audio for view in views], views[0].windows.has_audio)
    sync = lip_sync([view.windows for view in views])
    passes = table(dropout_passes(views, chunk.index).T)  # [K, passes]
    apart = table(members.T) if len(views) > 1 else [[] for _ in rows]  # [K, M]
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
            members=apart[place],
        )
        for place, row in enumerate(rows.tolist())
    ]


def dropout_passes(views: Sequence[View], seed: int) -> Tensor:
    """The models take turns, so the passes scatter by what each doubts and by how far they disagree: [passes, K]."""
    passes = [log_odds(view.model.mc_dropout(view.windows, PASSES, seed)) for view in views]  # M times [passes, K]
    return torch.stack([passes[turn % len(views)][turn] for turn in range(PASSES)])


def lip_sync(windows: Sequence[WindowLogits]) -> list[float | None]:
    """How likely lips and speech agree [K], by the models that can tell; None where there is nothing to compare."""
    found = [each.sync for each in windows if each.sync is not None]
    if not found:
        return [None] * len(windows[0].fused)
    agree = numbers(torch.stack([torch.sigmoid(sync.logit) for sync in found]).mean(dim=0))
    return [value if known else None for value, known in zip(agree, found[0].known.tolist(), strict=True)]


def frame_scores(chunk: Chunk, rows: NDArray[np.int64], views: Sequence[View]) -> list[FrameScore]:
    """How suspicious every frame is; the most suspicious ones with where in the face it comes from."""
    looking = [view for view in views if view.codes.frames is not None]
    if not looking:
        return []
    told = torch.stack([each_frame(view, chunk.window_frames[rows]) for view in looking])  # [M, F]
    logits = numbers(mean_log_odds(told))  # [F]
    top = most_suspicious(chunk.timestamps.tolist(), logits)
    shown = rows[np.isin(chunk.window_frames[rows], top).any(axis=1)]  # only windows that hold one go through the head
    heat = [saliency(view.model, view.codes, chunk, shown, top) for view in looking] if len(shown) else []
    grids = dict(zip(top, heat_grids(torch.stack(heat).mean(dim=0)), strict=True)) if heat else {}
    return [
        FrameScore(
            frame_id=int(chunk.frame_ids[frame]),
            timestamp=float(chunk.timestamps[frame]),
            logit=logit,
            saliency=grids.get(frame),
            transform=chunk.transforms[frame].tolist() if frame in grids else None,
        )
        for frame, logit in enumerate(logits)
    ]


def each_frame(view: View, window_frames: NDArray[np.int32]) -> Tensor:
    """[K, T], what the windows hold -> [F]"""
    assert view.codes.frames is not None
    embeddings = view.codes.frames.embeddings
    windows = torch.from_numpy(window_frames).long().to(embeddings.device)
    return view.model.score_frames(embeddings, windows, view.windows)


def saliency(model: MultimodalModel, codes: Codes, chunk: Chunk, rows: NDArray[np.int64], top: list[int]) -> Tensor:
    """Where the score of the top frames comes from, forwards and back through the head alone: [top, h, w]."""
    assert codes.frames is not None
    embeddings = codes.frames.embeddings
    windows = torch.from_numpy(chunk.window_frames[rows]).long().to(embeddings.device)
    audio = None if codes.sound is None else codes.sound.embeddings[rows]
    audio_mask = None if codes.sound is None else codes.sound.mask[rows]
    rest = (windows, audio, audio_mask, codes.frames.mouths)
    if model.temporal.judges_frames:
        return grad_cam(model, embeddings, codes.frames.maps, *rest)[top]
    return region_evidence(model, embeddings, *rest)[top]


def heat_grids(heat: Tensor) -> list[list[list[float]]]:
    if not torch.isfinite(heat).all():
        raise InferenceFailed("The model gave a number that is none.")
    grids: list[list[list[float]]] = heat.double().cpu().numpy().round(SALIENCY_DIGITS).tolist()
    return grids


def anomalies(chunk: Chunk, rows: NDArray[np.int64], views: Sequence[View]) -> list[AudioAnomaly]:
    """Spans in seconds of the whole video; none reaches beyond the sound of the chunk."""
    heard = [(view.windows, view.codes.sound.mask[rows]) for view in views if view.codes.sound is not None]
    if not heard:
        return []
    found = audio_anomalies(heard, chunk.window_starts[rows].tolist())
    return [span.model_copy(update={"end": min(span.end, chunk.end)}) for span in found if span.start < chunk.end]


def window_end(chunk: Chunk, row: int) -> float:
    """Where the window ends as far as the chunk knows; Aggregate, which knows the video's length, has the last word."""
    start = float(chunk.window_starts[row])
    return max(start, min(start + 1, chunk.end)) if chunk.window_partial[row] else start + 1


def present(logits: Sequence[Tensor | None], there: Tensor) -> list[float | None]:
    """The log-odds of one modality [K], None for a window that lacks it."""
    known = [log_odds(each) for each in logits if each is not None]
    if not known:
        return [None] * len(there)
    values = numbers(mean_log_odds(torch.stack(known)))
    return [value if has else None for value, has in zip(values, there.tolist(), strict=True)]


def numbers(values: Tensor) -> list[float]:
    return table(values.unsqueeze(0))[0]


def table(values: Tensor) -> list[list[float]]:
    """Rows of numbers for the answer, fetched at once. Infinity and NaN are a failure, never an answer."""
    plain = values.double().cpu().numpy().round(DIGITS)
    if not np.isfinite(plain).all():
        raise InferenceFailed("The model gave a number that is none.")
    rows: list[list[float]] = plain.tolist()
    return rows
