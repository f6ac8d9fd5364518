"""Samples side by side, as tensors that are still small: pixels and sound become floats on the device."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from model_src.data.sample import LeftOut, Sample


@dataclass(frozen=True, eq=False)
class Batch:
    crops: Tensor  # uint8 [B, T, 224, 224, 3]
    frame_mask: Tensor  # bool [B, T]
    points: Tensor  # float32 [B, T, 5, 2]
    points_in_video: Tensor  # float32 [B, T, 5, 2]
    flow: Tensor | None  # float16 [B, T, 224, 224, 2]
    pcm: Tensor  # int16 [B, 16000]
    voice: Tensor  # bool [B, 50]
    length: Tensor  # int64 [B]
    label: Tensor  # int64 [B]
    video_label: Tensor  # int64 [B]
    audio_label: Tensor  # int64 [B]
    in_sync: Tensor  # int64 [B]
    video_ids: list[str]
    skipped: list[str]

    def __len__(self) -> int:
        return len(self.label)

    def to(self, device: torch.device) -> Self:
        return self._map(lambda tensor: tensor.to(device, non_blocking=True))

    def first(self, count: int) -> Self:
        """The first windows alone."""
        part = self._map(lambda tensor: tensor[:count])
        return replace(part, video_ids=self.video_ids[:count], skipped=[])

    def pin_memory(self) -> Self:
        """The data loader asks for this on the way to a GPU."""
        return self._map(Tensor.pin_memory)

    def _map(self, change: Callable[[Tensor], Tensor]) -> Self:
        values: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(self)}
        changed = {name: change(value) for name, value in values.items() if isinstance(value, Tensor)}
        return type(self)(**(values | changed))


def collate(items: Iterable[list[Sample]]) -> Batch:
    items = list(items)
    samples = [sample for item in items for sample in item]
    skipped = [video_id for sample in samples for video_id in sample.skipped]
    skipped += [item.video_id for item in items if isinstance(item, LeftOut)]
    if not samples:
        return _of_nothing(skipped)
    places = max(len(sample.frame_mask) for sample in samples)  # T: videos of another frame rate have other windows
    flows = [sample.flow for sample in samples if sample.flow is not None]

    def numbers(name: str) -> Tensor:
        return torch.tensor([getattr(sample, name) for sample in samples], dtype=torch.int64)

    return Batch(
        crops=torch.from_numpy(np.stack([_longer(sample.crops, places) for sample in samples])),
        frame_mask=torch.from_numpy(np.stack([_longer(sample.frame_mask, places, blank=True) for sample in samples])),
        points=torch.from_numpy(np.stack([_longer(sample.points, places) for sample in samples])),
        points_in_video=torch.from_numpy(np.stack([_longer(sample.points_in_video, places) for sample in samples])),
        flow=torch.from_numpy(np.stack([_longer(flow, places) for flow in flows]))
        if len(flows) == len(samples)
        else None,
        pcm=torch.from_numpy(np.stack([sample.pcm for sample in samples])),
        voice=torch.from_numpy(np.stack([sample.voice for sample in samples])),
        length=numbers("length"),
        label=numbers("label"),
        video_label=numbers("video_label"),
        audio_label=numbers("audio_label"),
        in_sync=numbers("in_sync"),
        video_ids=[sample.video_id for sample in samples],
        skipped=skipped,
    )


def _of_nothing(skipped: list[str]) -> Batch:
    tensors: dict[str, Any] = dict.fromkeys((field.name for field in fields(Batch)), torch.zeros(0))
    return Batch(**(tensors | {"video_ids": [], "skipped": skipped}))


def _longer(array: np.ndarray, places: int, blank: bool = False) -> np.ndarray:
    """[T, ...] -> [places, ...]: the last row again and again, or zeros."""
    missing = places - len(array)
    if missing == 0:
        return array
    filler = np.zeros_like(array[-1:]) if blank else array[-1:]
    return np.concatenate([array, np.repeat(filler, missing, axis=0)])
