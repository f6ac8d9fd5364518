"""Films in a container that no verdict takes, made readable: studio corpora of speech come as MPEG-1.

Nobody uploads such a file, so the verdict's narrow list of containers stays as it is; training opens its own material.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av

from model_src.preprocess.container import READ_ERRORS
from model_src.preprocess.errors import VideoRejected

OLD = {".mpg", ".mpeg"}
ALMOST_LOSSLESS = {"crf": "12", "preset": "fast"}


@contextmanager
def readable(path: Path) -> Iterator[Path]:
    """The file itself or, of an old film, a QuickTime copy that lasts as long as it is needed."""
    if path.suffix.lower() not in OLD:
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / f"{path.stem}.mov"
        try:
            rewrite(path, copy)
        except READ_ERRORS as error:
            raise VideoRejected("corrupt_video", f"{path.name} cannot be read as a film: {error}.") from error
        yield copy


def rewrite(film: Path, copy: Path) -> None:
    """H.264 and uncompressed sound, frame after frame at the film's own rate."""
    with av.open(str(film)) as source, av.open(str(copy), "w", format="mov") as target:
        if not source.streams.video:
            raise VideoRejected("no_video_stream", f"{film.name} holds no moving picture.")
        seen = source.streams.video[0]
        rate = Fraction(seen.average_rate or 25)
        picture = target.add_stream("libx264", rate=rate, options=ALMOST_LOSSLESS)
        picture.width, picture.height, picture.pix_fmt = seen.width, seen.height, "yuv420p"
        heard = source.streams.audio[0] if source.streams.audio else None
        sound = None if heard is None else target.add_stream("pcm_s16le", rate=heard.rate, layout=heard.layout.name)
        shown = samples = 0
        for frame in source.decode(*([seen] if heard is None else [seen, heard])):
            if isinstance(frame, av.VideoFrame):
                frame.pts, frame.time_base = shown, 1 / rate  # such streams count time in their own way
                shown += 1
                target.mux(picture.encode(frame))
            elif sound is not None:
                frame.pts, frame.time_base = samples, Fraction(1, frame.sample_rate)
                samples += frame.samples
                target.mux(sound.encode(frame))
        for stream in (picture, sound):
            if stream is not None:
                target.mux(stream.encode(None))
