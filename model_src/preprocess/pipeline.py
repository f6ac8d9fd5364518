"""The child's side of a split, step after step: scan, decode, find the face, align it, listen, assemble."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any, BinaryIO

from model_src.preprocess.align import crop, find_transform
from model_src.preprocess.assemble import Assembler, UsableFrame
from model_src.preprocess.audio import Sound
from model_src.preprocess.chunk import Chunk
from model_src.preprocess.decode import grid_pictures
from model_src.preprocess.faces import DropReason, make_detector
from model_src.preprocess.limits import Limits
from model_src.preprocess.listen import Listener
from model_src.preprocess.messages import CHUNK, PROGRESS, RESULT, send, send_json
from model_src.preprocess.scan import scan
from model_src.preprocess.split import SplitReport, SplitSettings
from model_src.preprocess.tally import Tally
from model_src.preprocess.track import FaceTracker, Seen
from model_src.preprocess.voice import voice_detector

# So often the child says that it is still at work.
PLACES_BETWEEN_SIGNS = 50


def split_task(job: dict[str, Any], limits: Limits, pipe: BinaryIO) -> None:
    names = SplitSettings.__dataclass_fields__.keys() - {"limits"}
    settings = SplitSettings(**{name: job[name] for name in names}, limits=limits)
    report = Pipeline(settings).run(
        job["descriptor"],
        on_chunk=lambda chunk: send(pipe, CHUNK, chunk.to_bytes()),
        on_progress=lambda: send(pipe, PROGRESS),
    )
    send_json(pipe, RESULT, report.to_dict())


class Pipeline:
    """Everything that is loaded once; `run` may be called for one video after another."""

    def __init__(self, settings: SplitSettings) -> None:
        self._settings = settings
        detector = make_detector(settings.detector, settings.detector_weights, settings.detector_sha256)
        self._tracker = FaceTracker(detector, settings.min_confidence)

    def run(
        self, descriptor: int, on_chunk: Callable[[Chunk], None], on_progress: Callable[[], None] = lambda: None
    ) -> SplitReport:
        settings, limits = self._settings, self._settings.limits
        rate = Fraction(settings.frame_rate).limit_denominator(1000)
        found = scan(descriptor, limits)
        tally = Tally(rate)
        with Sound(descriptor, found.start * found.time_base, limits) as sound:
            listener = Listener(sound, voice_detector(), float(found.duration))
            assembler = Assembler(
                on_chunk,
                listener,
                rate=rate,
                duration=found.duration,
                frame_size=(found.size[1], found.size[0]),
                windows_per_chunk=settings.windows_per_chunk,
                with_flow=settings.flow,
            )
            for seen in self._tracker.follow(grid_pictures(descriptor, found, rate, limits)):
                frame = aligned(seen)
                if isinstance(frame, UsableFrame):
                    tally.use()
                else:
                    tally.drop(frame)
                assembler.add(seen.place, frame if isinstance(frame, UsableFrame) else None)
                if seen.place % PLACES_BETWEEN_SIGNS == 0:
                    on_progress()
            assembler.finish()
        tally.judge(settings.min_usable_frames)
        duration = float(found.duration)
        return SplitReport(
            duration=duration,
            frame_rate=float(rate),
            frames_sampled=tally.sampled,
            frames_analyzed=tally.analyzed,
            windows=assembler.windows,
            chunks=assembler.chunks,
            dropped=tally.dropped,
            excluded=tally.excluded(duration),
            has_audio=listener.present,
            silence_share=listener.silence_share,
            leading_silence=listener.leading_silence,
            picture_starts=sound.seconds_unheard,
            width=found.size[0],
            height=found.size[1],
        )


def aligned(seen: Seen) -> UsableFrame | DropReason:
    """The crop of the face, cut from the full picture, or why there is none."""
    if isinstance(seen.face, str):
        return seen.face
    full = seen.picture.full()
    transform = find_transform(seen.face.points, full.shape[:2])
    if transform is None:
        return "alignment_failed"
    return UsableFrame(seen.place, crop(full, transform), seen.face, transform)
