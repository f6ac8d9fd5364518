"""One window of one video as the network learns from it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model_src.data.video import Video
from model_src.preprocess import window_audio
from model_src.preprocess.chunk import CROP, Chunk

UNKNOWN = -1  # a target nobody can give: it takes no part in its loss
FORGED = "#forged"  # what the id of a video that was forged here ends with


@dataclass(frozen=True, eq=False)
class Sample:
    """T frames and one second of sound."""

    crops: NDArray[np.uint8]  # [T, 224, 224, 3] RGB; a missing frame repeats its nearest neighbour
    frame_mask: NDArray[np.bool_]  # [T], false where the frame is missing
    points: NDArray[np.float32]  # [T, 5, 2] eyes, nose, mouth corners, in pixels of the crop
    points_in_video: NDArray[np.float32]  # [T, 5, 2] the same in the displayed video; no change of the crops moves them
    flow: NDArray[np.float16] | None  # [T, 224, 224, 2]
    pcm: NDArray[np.int16]  # [16000], zero beyond the end of the video
    voice: NDArray[np.bool_]  # [50], does somebody speak in these 20 ms
    length: int  # samples of sound that are really there; 0 without sound
    label: int  # 0 real, 1 fake
    video_label: int  # is the picture faked?
    audio_label: int  # is the sound faked?
    in_sync: int  # 1 lips and speech belong together, 0 they do not, UNKNOWN
    video_id: str
    window: int  # number of the window in the whole video
    skipped: tuple[str, ...] = ()  # videos that could not be read and were passed over for this one


class LeftOut(list[Sample]):
    """Stands in a batch for a window that could not be read, where no other may take its place."""

    def __init__(self, video_id: str) -> None:
        super().__init__()
        self.video_id = video_id


def cut_window(chunk: Chunk, row: int, video: Video) -> Sample:
    rows = chunk.window_frames[row]  # [T]
    pcm, voice, length = window_audio.cut_window(chunk, row)
    return Sample(
        **frames_of(chunk, rows),
        frame_mask=rows >= 0,
        pcm=pcm,
        voice=voice,
        length=length,
        label=video.label,
        video_label=video.label if video.video_label is None else video.video_label,
        audio_label=video.label if video.audio_label is None else video.audio_label,
        in_sync=in_sync(video) if length else UNKNOWN,
        video_id=video.video_id,
        window=int(chunk.window_indices[row]),
    )


def in_sync(video: Video) -> int:
    """Do lips and speech belong together? In a real video they do; in a fake nobody knows, unless both are real."""
    if video.label == 0:
        return 1
    return 0 if video.video_label == 0 and video.audio_label == 0 else UNKNOWN


def frames_of(chunk: Chunk, rows: NDArray[np.int32]) -> dict[str, Any]:
    """Crops, points and flow of the frames [T] of a window. A recording without a picture has black ones."""
    if not (rows >= 0).any():
        black, nowhere = np.zeros((len(rows), CROP, CROP, 3), np.uint8), np.zeros((len(rows), 5, 2), np.float32)
        return {"crops": black, "points": nowhere, "points_in_video": nowhere, "flow": None}
    places = nearest_usable(rows)  # [T]
    return {
        "crops": chunk.crops[places],
        "points": points_in_crop(chunk.points[places], chunk.transforms[places]),
        "points_in_video": chunk.points[places],
        "flow": None if chunk.flow is None else chunk.flow[places],
    }


def fewer_frames(sample: Sample, count: int, generator: np.random.Generator) -> Sample:
    """So many frames of the window, drawn from those that are there, in their order."""
    there = np.flatnonzero(sample.frame_mask)
    places = np.sort(generator.choice(there, min(count, len(there)), replace=False)) if len(there) else np.arange(count)
    return replace(
        sample,
        crops=sample.crops[places],
        frame_mask=sample.frame_mask[places],
        points=sample.points[places],
        points_in_video=sample.points_in_video[places],
        flow=None if sample.flow is None else sample.flow[places],
    )


def with_forged_picture(real: Sample, crops: NDArray[np.uint8]) -> Sample:
    """The same window with another picture; its sound stays, and nobody knows whether the lips still fit it."""
    return replace(real, crops=crops, label=1, video_label=1, audio_label=0, in_sync=UNKNOWN)


def nearest_usable(places: NDArray[np.int32]) -> NDArray[np.int64]:
    """Indices [T] with every -1 replaced by its nearest neighbour: normalisation layers see faces, never black."""
    there = np.flatnonzero(places >= 0)
    if len(there) == 0:
        raise ValueError("a window without a single usable frame")
    nearest = np.abs(np.arange(len(places))[:, None] - there[None, :]).argmin(axis=1)  # [T]
    return places[there[nearest]].astype(np.int64)


def points_in_crop(points: NDArray[np.float32], transforms: NDArray[np.float32]) -> NDArray[np.float32]:
    """Points [T, 5, 2] of the displayed frame, through transforms [T, 2, 3], to pixels of the crop."""
    turned = np.einsum("tij,tpj->tpi", transforms[:, :, :2], points)  # [T, 5, 2]
    return (turned + transforms[:, None, :, 2]).astype(np.float32)
