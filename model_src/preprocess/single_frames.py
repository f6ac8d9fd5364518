"""The child's side of `frames_at`: seek, decode, convert."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, BinaryIO

import numpy as np

from model_src.preprocess.decode import pictures_at
from model_src.preprocess.limits import Limits
from model_src.preprocess.messages import FRAME, FRAME_SIZE, RESULT, send, send_json
from model_src.preprocess.scan import scan


def frames_task(job: dict[str, Any], limits: Limits, pipe: BinaryIO) -> None:
    found = scan(job["descriptor"], limits)
    # A grid time written as a float becomes the fraction it was.
    times = [Fraction(timestamp).limit_denominator(1000) for timestamp in job["timestamps"]]
    for _, picture in pictures_at(job["descriptor"], found, times, limits, seek=True):
        image = np.ascontiguousarray(picture.full())
        send(pipe, FRAME, FRAME_SIZE.pack(*image.shape[:2]), image.reshape(-1).data)
    send_json(pipe, RESULT, {"count": len(times)})
