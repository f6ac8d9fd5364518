"""Which changes a window goes through. Real and fake are treated alike, and all frames of a window too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from model_src.data.augment import picture, sound
from model_src.data.sample import Sample
from model_src.preprocess.pcm import Wave, pcm_from_wave, wave_from_pcm

PictureChange = Callable[[picture.Crops, np.random.Generator], picture.Crops]
SoundChange = Callable[[Wave, np.random.Generator], Wave]

PICTURE = (picture.colour, picture.jpeg, picture.h264, picture.blur, picture.downscale)
WEATHER = (picture.downscale, picture.jpeg)
CHANNEL = (sound.noise, sound.phone_band, sound.codec)
SOUND = (*CHANNEL, sound.stretch, sound.pitch)
# The chances of a change, of a mirror image and of a closer look.
CHANCE, FLIP, CROP = 0.2, 0.5, 0.3


@dataclass(frozen=True)
class Augment:
    """Each change with its own chance; a window may go through none or several."""

    chance: float = CHANCE
    # Speed and pitch are changed by synthesis: who learns to tell it from a real voice must not hear it as real.
    sounds: Sequence[SoundChange] = SOUND

    def __call__(self, sample: Sample, generator: np.random.Generator) -> Sample:
        if generator.random() < FLIP:
            sample = flipped(sample)
        if generator.random() < CROP:
            sample = zoomed(sample, generator)
        crops = some_of(PICTURE, self.chance, sample.crops, generator)
        return replace(sample, crops=crops, pcm=self._sound(sample, generator))

    def _sound(self, sample: Sample, generator: np.random.Generator) -> np.ndarray:
        chosen = [change for change in self.sounds if generator.random() < self.chance]
        if not chosen or sample.length < sound.N_FFT:
            return sample.pcm
        wave = wave_from_pcm(sample.pcm[: sample.length])
        for change in chosen:
            wave = change(wave, generator)
        pcm = np.zeros_like(sample.pcm)
        pcm[: sample.length] = pcm_from_wave(wave)
        return pcm


def weathered(sample: Sample, generator: np.random.Generator) -> Sample:
    """What a camera and a first upload did to the whole picture, long before anybody forged a part of it."""
    return replace(sample, crops=some_of(WEATHER, CHANCE, sample.crops, generator))


def some_of(
    changes: Sequence[PictureChange], chance: float, crops: picture.Crops, generator: np.random.Generator
) -> picture.Crops:
    """Each change in turn, each with that chance."""
    for change in changes:
        if generator.random() < chance:
            crops = change(crops, generator)
    return crops


def flipped(sample: Sample) -> Sample:
    """A mirror image; the left eye becomes the right one, and what moved to the left moves to the right."""
    width = sample.crops.shape[2]
    points = sample.points[:, [1, 0, 2, 4, 3]].copy()
    points[..., 0] = width - 1 - points[..., 0]
    flow = sample.flow
    if flow is not None:
        flow = flow[:, :, ::-1] * np.array([-1, 1], flow.dtype)
    return replace(sample, crops=np.ascontiguousarray(sample.crops[:, :, ::-1]), points=points, flow=flow)


def zoomed(sample: Sample, generator: np.random.Generator) -> Sample:
    """A part of the crop, of at least 85 % of its side, as large as the whole was."""
    height, width = sample.crops.shape[1:3]
    share = generator.uniform(0.85, 1.0)
    left, top = generator.uniform(0, 1 - share, 2) * (width, height)
    matrix = np.array([[1 / share, 0, -left / share], [0, 1 / share, -top / share]])

    def warp(image: np.ndarray) -> np.ndarray:
        return cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)

    flow = sample.flow
    if flow is not None:
        flow = np.stack([warp(field.astype(np.float32)) / share for field in flow]).astype(np.float16)
    crops = np.stack([warp(crop).astype(np.uint8) for crop in sample.crops])
    return replace(
        sample, crops=crops, points=(sample.points @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32), flow=flow
    )
