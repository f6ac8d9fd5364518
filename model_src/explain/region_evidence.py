"""Which regions of a face speak for fake, for a model that looks at how much each of them changes.

What it misses cannot be found in the pixels of one frame, so there is no map to weigh as Grad-CAM does: every feature
but the turn of the head belongs to a region, the tones to the skin, and what it adds to the score, against a face that
changes as most do, is drawn over that region.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from model_src.explain.grad_cam import normalize, scored_with_gradients
from model_src.models.heads import log_odds
from model_src.models.multimodal_model import MultimodalModel
from model_src.models.regions import REGIONS, SKIN, region_weights
from model_src.models.tones import TONES
from model_src.models.windows import holding

SIDE = 14  # cells along each side of the picture


def region_evidence(
    model: MultimodalModel,
    embeddings: Tensor,
    window_frames: Tensor,
    audio: Tensor | None = None,
    audio_mask: Tensor | None = None,
    mouths: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Embeddings [N, D], window_frames [W, T] (-1: a gap), audio [W, A, U] -> the regions that speak for fake in the
    windows that hold a frame, drawn [N, 14, 14] in 0..1, and what each of them adds to the score [N, R].

    The features are 0 for a face like the mean of all, so gradient times feature is what a region adds.
    """
    with torch.inference_mode(False), torch.enable_grad():
        _, windows = scored_with_gradients(model, embeddings, window_frames, audio, audio_mask, mouths)
        changes = windows.features.video  # [W, G]
        assert changes is not None
        if not changes.requires_grad:  # no two frames follow each other, in no window: there was no change to see
            return embeddings.new_zeros(len(embeddings), SIDE, SIDE), embeddings.new_zeros(len(embeddings), REGIONS)
        (gradient,) = torch.autograd.grad(log_odds(windows.fused).sum(), changes)  # [W, G]
    # Groups stand stage by stage, means before deviations, region by region; then the tones, and the turn of the head.
    added = gradient * changes.detach()  # [W, G]
    evidence = added[:, : -TONES - 1].unflatten(1, (-1, REGIONS)).sum(dim=1)  # [W, R]
    evidence[:, SKIN] += added[:, -TONES - 1 : -1].sum(dim=1)
    held = holding(window_frames, len(embeddings))[:, :, None] > 0  # [W, N, 1]
    spoken = torch.relu(evidence)[:, None].where(held, 0).sum(dim=0)  # [N, R]
    return normalize(torch.einsum("nr,rij->nij", spoken, drawn_regions().to(spoken))), spoken


@cache
def drawn_regions() -> Tensor:
    """[R, 14, 14], each region's brightest cell 1: the same for every chunk, so made once."""
    regions = region_weights(SIDE)
    return regions / regions.amax(dim=(1, 2), keepdim=True)
