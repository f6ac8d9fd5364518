"""Where in the sound of a chunk something is odd; several models answer with their mean."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from model_src.explain.audio_anomalies import audio_anomalies, step_suspicion
from model_src.serving.group import Share
from model_src.serving.view import View
from model_src.verdict.scores import AudioAnomaly


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
