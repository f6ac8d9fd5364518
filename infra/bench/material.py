"""What the benchmarks measure on: a talking head of any length, its chunks, and a model packaged as for serving.

Imports stand where they are needed, so that no measured process carries the libraries of another.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

BASE_SECONDS = 10
CLIP_SECONDS = 30


def base_video(path: Path, size: tuple[int, int] = (1280, 720)) -> Path:
    from model_src.data.made_clips import talking_head

    return talking_head(path, BASE_SECONDS, size)


def repeat(base: Path, times: int, path: Path) -> Path:
    """The packets of `base`, `times` times over."""
    import av

    with av.open(str(path), "w") as output:
        with av.open(str(base)) as source:
            streams = [output.add_stream_from_template(stream) for stream in source.streams]
        last = [-(2**62)] * len(streams)
        for turn in range(times):
            with av.open(str(base)) as source:
                for packet in source.demux():
                    if packet.dts is None or packet.pts is None:
                        continue
                    shift = round(Fraction(turn * BASE_SECONDS) / packet.time_base)
                    packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                    if packet.dts > last[packet.stream_index]:  # sound is a little longer than its pictures
                        last[packet.stream_index] = packet.dts
                        packet.stream = streams[packet.stream_index]
                        output.mux(packet)
    return path


def split_clip(video: Path, folder: Path) -> Path:
    """The video's chunks, a file each, as Split writes them."""
    from model_src.preprocess.split import split_video

    folder.mkdir()
    report = split_video(video, lambda chunk: write(folder / f"{chunk.index:03}.chunk", chunk.to_bytes()))
    print(f"clip: {report.duration:.0f} s, {report.frames_analyzed} frames, {report.windows} windows", flush=True)
    return folder


def write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def pack(name: str, folder: Path) -> Path:
    """The named model with random weights, packaged."""
    from model_src.models import build
    from model_src.serving.package import package_model
    from model_src.serving.untrained_model import UNTRAINED_SEED
    from model_src.verdict.scores import Calibration

    model = build(name, pretrained=False, seed=UNTRAINED_SEED)
    package_model(folder, model, model_version=f"{name}-untrained", trained=False, calibration=Calibration())
    return folder
