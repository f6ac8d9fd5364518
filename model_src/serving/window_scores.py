"""From what the models make of windows to the scores of each; several models answer with their mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model_src.models.ensemble import mean_log_odds
from model_src.models.heads import log_odds
from model_src.preprocess.chunk import Chunk
from model_src.serving.finite_numbers import Numbers, numbers, present, told
from model_src.serving.group import Group, Share
from model_src.serving.view import View
from model_src.verdict.scores import WindowScore

PASSES = 10  # of MC dropout


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
