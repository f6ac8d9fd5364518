"""Windows of several chunks that pass through the heads as one.

The heads are hundreds of small steps. To start one on a GPU takes the host longer than the GPU takes for it, whether
for the windows of one chunk or of eight.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model_src.models.windows import gather_frames
from model_src.preprocess.chunk import Chunk
from model_src.serving.material import Codes, Material


@dataclass(frozen=True)
class Share:
    """What one chunk has in its batch."""

    place: int  # of the chunk
    chunk: Chunk
    rows: NDArray[np.int64]  # [k], its windows that hold something to judge
    frames: slice  # its rows of the batch's frames
    window_frames: NDArray[np.int64]  # [k, T], rows of the batch's frames, -1 where one is missing
    window_sound: NDArray[np.int64]  # [k], rows of the batch's sound, -1 where nobody speaks


@dataclass(frozen=True)
class Group:
    """Chunks whose windows hold equally many frames: K windows together."""

    shares: list[Share]
    window_frames: Tensor  # [K, T]
    window_sound: Tensor  # [K]

    def windows(self) -> Iterable[tuple[Share, slice]]:
        """Each chunk with where its windows stand among the group's."""
        return zip(self.shares, one_after_another([len(share.rows) for share in self.shares]), strict=True)


@dataclass(frozen=True)
class Assembled:
    """What the heads read of K windows; None where the model lacks the sense, or nothing was there to encode."""

    frames: Tensor | None  # [K, T, D]
    frame_mask: Tensor | None  # [K, T]
    mouths: Tensor | None  # [K, T, M]
    audio: Tensor | None  # [K, A, U]
    audio_mask: Tensor | None  # [K, A]


def group_chunks(batch: Sequence[Material], codes: Codes, device: torch.device) -> list[Group]:
    """A chunk that holds nothing to judge is in none."""
    by_frames: dict[int, list[Share]] = {}
    for share in share_out(batch, codes):
        if len(share.rows):
            by_frames.setdefault(share.window_frames.shape[1], []).append(share)
    return [
        Group(
            shares,
            torch.from_numpy(np.concatenate([share.window_frames for share in shares])).to(device),
            torch.from_numpy(np.concatenate([share.window_sound for share in shares])).to(device),
        )
        for shares in by_frames.values()
    ]


def share_out(batch: Sequence[Material], codes: Codes) -> list[Share]:
    speech = np.zeros(0, np.bool_) if codes.sound is None else codes.sound.mask.any(dim=1).cpu().numpy()  # [R]
    frames = one_after_another([len(each.chunk.crops) if each.looks else 0 for each in batch])
    sound = one_after_another([len(each.speaks) for each in batch])
    shares = []
    for place, (each, own, stretch) in enumerate(zip(batch, frames, sound, strict=True)):
        held = each.chunk.window_frames.astype(np.int64)  # [W, T]
        held = np.where((held >= 0) & each.looks, held + own.start, -1)
        heard = np.full(len(held), -1)  # [W]
        heard[each.speaks] = np.where(speech[stretch], np.arange(stretch.start, stretch.stop), -1)
        rows = np.flatnonzero((held >= 0).any(axis=1) | (heard >= 0))
        shares.append(Share(place, each.chunk, rows, own, held[rows], heard[rows]))
    return shares


def assemble(codes: Codes, group: Group) -> Assembled:
    frames = frame_mask = mouths = audio = audio_mask = None
    if codes.frames is not None:
        frames, frame_mask = gather_frames(codes.frames.embeddings, group.window_frames)
        if codes.frames.mouths is not None:
            mouths, _ = gather_frames(codes.frames.mouths, group.window_frames)
    if codes.sound is not None:
        heard = (group.window_sound >= 0)[:, None]  # [K, 1]
        rows = group.window_sound.clamp(min=0)
        audio = codes.sound.embeddings[rows].masked_fill(~heard[:, :, None], 0)  # [K, A, U]
        audio_mask = codes.sound.mask[rows] & heard  # [K, A]
    return Assembled(frames, frame_mask, mouths, audio, audio_mask)


def one_after_another(counts: Sequence[int]) -> list[slice]:
    """Where each of several stands."""
    return [slice(*ends) for ends in pairwise(accumulate(counts, initial=0))]
