"""The optical flow of a forged window: what is seen moving in it, not what moved before it was forged."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from model_src.data.sample import Sample, nearest_usable
from model_src.preprocess.chunk import Chunk
from model_src.preprocess.flow import flow_of


class FlowLost(ValueError):
    """Frames have been left out, so nobody knows what moved between them."""


def with_own_flow(fake: Sample, real: Sample, chunk: Chunk, row: int) -> Sample:
    """The first frame keeps the flow of the real: the picture before it lies outside of the window."""
    if fake.flow is None or real.flow is None or np.array_equal(fake.crops, real.crops):
        return fake
    if len(fake.crops) != len(chunk.window_frames[row]):
        raise FlowLost("a forgery's optical flow needs every frame of the window: do not set fewer frames per window")
    places, first, back = np.unique(  # a missing frame repeats its neighbour
        nearest_usable(chunk.window_frames[row]), return_index=True, return_inverse=True
    )
    flow = flow_of(fake.crops[first], chunk.frame_ids[places])  # [places, H, W, 2]
    flow[0] = real.flow[0]
    return replace(fake, flow=flow[back])
