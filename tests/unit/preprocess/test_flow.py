"""Optical flow tells which way pixels moved."""

from __future__ import annotations

import numpy as np
import pytest

from model_src.preprocess.flow import flow_between, flow_of
from tests.media import portrait

CROP = np.ascontiguousarray(portrait()[20:244, 100:324])


def test_a_picture_moved_to_the_right_flows_to_the_right() -> None:
    moved = np.roll(CROP, 3, axis=1)
    found = flow_between(CROP, moved)[40:-40, 40:-40].astype(np.float32)
    assert found.shape[-1] == 2
    assert np.median(found[..., 0]) == pytest.approx(3, abs=0.3)
    assert np.median(found[..., 1]) == pytest.approx(0, abs=0.3)


def test_flow_is_zero_where_the_frame_before_is_missing() -> None:
    crops = np.stack([CROP, np.roll(CROP, 2, 0), np.roll(CROP, 4, 0), np.roll(CROP, 6, 0)])
    found = flow_of(crops, np.array([4, 5, 9, 10], np.int32))
    assert (found.shape, found.dtype) == ((4, 224, 224, 2), np.dtype(np.float16))
    assert np.abs(found[0]).max() == np.abs(found[2]).max() == 0
    assert np.median(found[[1, 3], 40:-40, 40:-40, 1].astype(np.float32)) == pytest.approx(2, abs=0.3)
