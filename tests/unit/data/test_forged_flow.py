"""A forged window shows the model a flow that fits its pictures."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from model_src.data.dataset import WindowDataset
from model_src.data.fakes.forged_flow import FlowLost
from model_src.data.sample import Sample, cut_window
from model_src.preprocess.chunk import Chunk
from model_src.preprocess.flow import flow_between, flow_of
from tests.unit.data.faces import face_chunk
from tests.unit.data.made_windows import MadeSource, made_video, made_videos

ROW = 1
GONE = 2  # a frame of the window that was not usable


@cache
def flowing() -> Chunk:
    chunk = face_chunk()
    frames = chunk.window_frames.copy()
    frames[ROW, GONE] = -1
    return replace(chunk, window_frames=frames, flow=flow_of(chunk.crops, chunk.frame_ids))


class OneFace(MadeSource):
    def draw(self, *_: object) -> tuple[Chunk, int]:
        return flowing(), ROW


def forge(change, frames: int | None = None) -> tuple[Sample, Sample]:  # type: ignore[no-untyped-def]
    dataset = WindowDataset(
        made_videos(2), OneFace(), frames=frames, make_fake=lambda real, *_: replace(change(real), label=1)
    )
    real, fake = dataset[(0, 0)]
    return real, fake


def mirrored_in_time(real: Sample) -> Sample:
    return replace(real, crops=real.crops[::-1].copy())


def test_the_flow_of_forged_pictures_is_that_between_them() -> None:
    real, fake = forge(mirrored_in_time)
    assert fake.flow is not None
    assert real.flow is not None
    np.testing.assert_array_equal(fake.flow[4], flow_between(fake.crops[3], fake.crops[4]))
    assert (fake.flow[4] != real.flow[4]).any()
    np.testing.assert_array_equal(fake.flow[0], real.flow[0])
    np.testing.assert_array_equal(fake.flow[GONE], fake.flow[GONE - 1])  # the missing frame repeats its neighbour
    assert not fake.flow[GONE + 1].any()  # and nobody saw what moved after it


def test_a_window_whose_sound_alone_is_forged_keeps_its_flow() -> None:
    real, fake = forge(lambda real: replace(real, pcm=real.pcm[::-1].copy()))
    assert fake.flow is real.flow


def test_single_frames_have_no_flow_of_their_own_and_are_refused() -> None:
    with pytest.raises(FlowLost, match="every frame of the window"):
        forge(mirrored_in_time, frames=2)


def test_real_windows_are_left_as_they_were() -> None:
    real, _ = forge(mirrored_in_time)
    np.testing.assert_array_equal(real.flow, cut_window(flowing(), ROW, made_video(0)).flow)
