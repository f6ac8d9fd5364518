"""Grad-CAM: where in a face the fused fake score comes from, computed from cached maps through the head alone."""

from __future__ import annotations

import torch
from torch import Tensor

from model_src.models.heads import log_odds
from model_src.models.multimodal_model import MultimodalModel
from model_src.models.outputs import WindowLogits
from model_src.models.windows import gather_frames


def grad_cam(
    model: MultimodalModel,
    embeddings: Tensor,
    maps: Tensor,
    window_frames: Tensor,
    audio: Tensor | None = None,
    audio_mask: Tensor | None = None,
    mouths: Tensor | None = None,
) -> Tensor:
    """Embeddings [N, D], maps [N, D, h, w], window_frames [W, T] (-1: a gap), audio [W, A, U] -> [N, h, w] in 0..1.

    The score is the sum of the fused log-odds of fake over all windows, so a frame in two windows answers for both. An
    embedding is the mean of its map plus what does not depend on the map, so the gradient at every cell of a map is the
    embedding's gradient divided by the number of cells: the backbone need not run again, let alone backwards.
    A frame that speaks for real everywhere, or is in no window, stays dark.
    """
    with torch.inference_mode(False), torch.enable_grad():
        leaf, windows = scored_with_gradients(model, embeddings, window_frames, audio, audio_mask, mouths)
        (gradient,) = torch.autograd.grad(log_odds(windows.fused).sum(), leaf)  # [N, D]
    weights = gradient / maps[0, 0].numel()  # [N, D]
    saliency = torch.relu(torch.einsum("nd,ndhw->nhw", weights, maps))  # [N, h, w]
    return normalize(saliency)


def scored_with_gradients(
    model: MultimodalModel,
    embeddings: Tensor,
    window_frames: Tensor,
    audio: Tensor | None,
    audio_mask: Tensor | None,
    mouths: Tensor | None,
) -> tuple[Tensor, WindowLogits]:
    """The windows once more through the head, and the embeddings [N, D] that they answer for.

    Everything is cloned: the encodings were made in inference mode, where nothing keeps account of gradients.
    """
    leaf = embeddings.detach().clone().requires_grad_(True)
    frames, frame_mask = gather_frames(leaf, window_frames.clone())  # [W, T, D], [W, T]
    rest = [None if tensor is None else tensor.detach().clone() for tensor in (audio, audio_mask, mouths)]
    if rest[2] is not None:
        rest[2], _ = gather_frames(rest[2], window_frames.clone())  # [W, T, M]
    return leaf, model.score_windows(frames, frame_mask, *rest)


def normalize(saliency: Tensor) -> Tensor:
    """Each frame's brightest cell becomes 1; a dark frame stays dark: [N, h, w] -> [N, h, w]."""
    peak = saliency.amax(dim=(1, 2), keepdim=True)  # [N, 1, 1]
    return torch.where(peak > 0, saliency / peak.clamp(min=torch.finfo(saliency.dtype).tiny), saliency)
