"""Tones of the skin: measured as colour science measures them, beside the surroundings, in any light."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from model_src.data.augment.picture import compressed
from model_src.data.fakes.few_tones import FEWEST, GREY, in_few_tones, painted
from model_src.models.inputs import frames_from_crops
from model_src.models.tones import Tones, yellow_to_blue
from model_src.preprocess.align import CANONICAL

POINTS = CANONICAL.astype(np.float32)


def crop(seed: int) -> NDArray[np.uint8]:
    """[224, 224, 3]: patches of skin colour, each a fourteenth of the crop wide."""
    patches = np.random.default_rng(seed).normal([170, 130, 110], 25, (14, 14, 3))
    return np.clip(cv2.resize(patches, (224, 224), interpolation=cv2.INTER_CUBIC), 0, 255).astype(np.uint8)


def tones(*crops: NDArray) -> NDArray[np.float32]:
    found: NDArray[np.float32] = Tones(224)(frames_from_crops(torch.from_numpy(np.stack(crops)))).squeeze(1).numpy()
    return found


def test_yellow_to_blue_is_the_b_of_lab() -> None:
    colours = np.random.default_rng(0).random((16, 16, 3), np.float32)
    colours[0] *= 0.02  # nearly black: the straight part of both curves
    expected = cv2.cvtColor(colours, cv2.COLOR_RGB2LAB)[..., 2]
    found = yellow_to_blue(torch.from_numpy(colours).permute(2, 0, 1)[None])[0].numpy()
    np.testing.assert_allclose(found, expected, atol=0.35)  # OpenCV rounds its tables; an eye tells about 1


@pytest.mark.parametrize("seed", range(5))
def test_skin_that_was_painted_in_fewer_tones_shows_it(seed: int) -> None:
    living = crop(seed)
    shown = tones(living, *(painted(living, POINTS, lost) for lost in (0.1, 0.3, 0.5)))
    assert (np.diff(shown) < -0.05).all()
    assert np.log(0.5) - 0.1 < shown[3] - shown[0] < -0.4


@pytest.mark.parametrize("seed", range(5))
def test_neither_the_light_nor_a_second_jpeg_changes_what_is_said_of_the_tones(seed: int) -> None:
    living = crop(seed)
    darker = (living * 0.7).astype(np.uint8)
    shown = tones(living, darker, living[:, ::-1].copy(), *compressed(living[None], 50))
    np.testing.assert_allclose(shown[1:], shown[0], atol=0.12)


def test_a_black_picture_has_an_answer() -> None:
    assert np.isfinite(tones(np.zeros((224, 224, 3), np.uint8))).all()


def test_painting_leaves_light_and_dark_and_all_around_the_face() -> None:
    living = np.stack([crop(1), crop(2)])
    there = in_few_tones(living, np.stack([POINTS, POINTS]), np.random.default_rng(3))
    assert not np.array_equal(there, living)
    assert np.abs(there @ GREY - living @ GREY).max() < 1
    assert np.array_equal(there[:, :16], living[:, :16])
    left = np.std(there[:, 100:124, 100:124] @ [0.5, 0.5, -1]) / np.std(living[:, 100:124, 100:124] @ [0.5, 0.5, -1])
    assert FEWEST - 0.05 <= left < 1.01
