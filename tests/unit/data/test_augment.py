"""What happens to honest videos happens to all frames of a window alike, and keeps its size."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from model_src.data.augment import picture, sound
from model_src.data.augment.augment import PICTURE, SOUND, Augment, flipped, zoomed
from model_src.preprocess.pcm import wave_from_pcm
from tests.unit.data.faces import face_window


def chance(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("change", PICTURE, ids=lambda change: change.__name__)
def test_a_changed_picture_is_the_same_face(change) -> None:  # type: ignore[no-untyped-def]
    crops = face_window().crops
    made = change(crops, chance())
    assert (made.shape, made.dtype) == (crops.shape, np.uint8)
    assert (made != crops).any()
    assert np.corrcoef(made.ravel(), crops.ravel())[0, 1] > 0.95


@pytest.mark.parametrize(
    "change", [change for change in PICTURE if change is not picture.h264], ids=lambda c: c.__name__
)
def test_every_frame_of_a_window_is_changed_alike(change) -> None:  # type: ignore[no-untyped-def]
    still = face_window().crops[[0] * 5]
    made = change(still, chance())
    assert (made == made[:1]).all()


@pytest.mark.parametrize("change", SOUND, ids=lambda change: change.__name__)
def test_changed_sound_is_as_long_and_says_the_same(change) -> None:  # type: ignore[no-untyped-def]
    wave = wave_from_pcm(face_window().pcm)
    made = change(wave, chance(1))
    assert (made.shape, made.dtype) == (wave.shape, np.float32)
    assert (made != wave).any()
    assert np.isfinite(made).all()

    def envelope(sound_: np.ndarray) -> np.ndarray:
        return np.sqrt(np.mean(sound_.reshape(-1, 800) ** 2, axis=1))

    assert np.corrcoef(envelope(made), envelope(wave))[0, 1] > 0.7


def test_the_codec_does_not_delay_the_sound() -> None:
    wave = wave_from_pcm(face_window().pcm)
    made = sound.codec(wave, chance())
    lags = [float(np.dot(made[2000 + lag : 14_000 + lag], wave[2000:14_000])) for lag in range(-100, 101)]
    assert abs(int(np.argmax(lags)) - 100) <= 1


def test_pitch_moves_by_what_was_drawn() -> None:
    tone = np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000).astype(np.float32)
    factor = 2 ** (chance(4).uniform(-1.5, 1.5) / 12)
    made = sound.pitch(tone, chance(4))[2000:-2000]
    found = np.argmax(np.abs(np.fft.rfft(made * np.hanning(len(made)), 160_000))) / 10
    assert found == pytest.approx(440 * factor, rel=0.005)


def test_points_and_motion_follow_the_mirror_and_the_zoom() -> None:
    sample = face_window()
    flow = np.zeros((5, 224, 224, 2), np.float16)
    flow[:, :, 0, 0] = 3
    mirrored = flipped(replace(sample, flow=flow))
    assert mirrored.flow is not None
    assert (mirrored.flow[:, :, -1, 0] == -3).all()
    assert (mirrored.points[:, 0, 0] < mirrored.points[:, 1, 0]).all()  # the left eye is still on the left
    assert np.allclose(flipped(mirrored).points, sample.points)
    closer = zoomed(sample, chance())
    spread = [np.ptp(s.points[0, :, 0]) for s in (sample, closer)]
    assert spread[1] > spread[0]


def test_a_window_without_sound_stays_without() -> None:
    sample = face_window()
    mute = replace(sample, pcm=np.zeros_like(sample.pcm), length=0)
    assert not Augment(chance=1.0)(mute, chance()).pcm.any()
