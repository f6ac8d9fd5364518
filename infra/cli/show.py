"""A verdict on a terminal: the answer first, then what decided, then what to be careful about."""

from __future__ import annotations

from pathlib import Path

from rich import box
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from functions.core.contracts import JobView, Metadata
from functions.core.names import harmless
from model_src.evaluation.counted import counted
from model_src.verdict.prediction import AnomalousFrame, Prediction
from model_src.verdict.scores import Region

COLOURS = {"real": "green", "fake": "red", "uncertain": "yellow"}
WHY_REVIEW = {
    "uncertain": "too unsure for a verdict",
    "in_doubt": "the model's own doubt reaches into uncertain",
    "face_not_judged": "the face could not be judged, the sound decided alone",
    "suspicious_stretch": "real on the whole, and some seconds on end look manipulated",
}
WHAT_REAL_MEANS = "Real means that the model found no trace it knows. It is no proof."
CALLED: dict[Region, str] = {
    "eyes": "eyes",
    "mouth": "mouth",
    "skin": "skin",
    "edge": "face edge",
    "surroundings": "around face",
}
SHOWN = 6  # of a list that may be long
DIGEST = 8  # letters of a checksum, enough to tell two files apart; the report holds all
LATE = 0.25  # seconds: less is how codecs begin, and how AVI counts pictures that wait for later ones
NAMED = 2  # regions of a frame: with more there is no telling what decided
UNTRAINED = "These weights are not trained: the verdict below shows how the product works and means nothing."
console = Console(highlight=False)


def plain(text: str) -> str:
    """What others wrote, a server or a file's name, as a terminal may have it: none of it steers the terminal."""
    return "\n".join(harmless(line) for line in text.splitlines())


def show(name: str, job: JobView, pictures: list[Path]) -> None:
    name = harmless(name)
    if job.prediction is None or job.metadata is None:
        reason = job.error.message if job.error else "no reason was given"
        code = job.error.code.value if job.error else "unknown"
        title = Text.assemble((name, "bold"), f": not analysed ({code})")
        console.print(Panel(Text(plain(reason)), title=title, border_style="yellow"))
        return
    prediction, metadata = job.prediction, job.metadata
    colour = COLOURS[prediction.overall_class]
    parts: list[RenderableType] = [headline(prediction, colour), facts(prediction, metadata)]
    if prediction.anomalous_frames:
        parts.append(frames(prediction, pictures))
    parts += [Text(line, style="dim") for line in remarks(prediction, metadata)]
    if not metadata.trained:
        console.print(Text(UNTRAINED, style="bold yellow"))
    console.print(Panel(Group(*parts), title=Text(name, style="bold"), border_style=colour, padding=(1, 2)))


def headline(prediction: Prediction, colour: str) -> Text:
    line = Text(f"{prediction.overall_class.upper()}", style=f"bold {colour}")
    line.append(f"   {percent(prediction.overall_confidence)} sure", style="bold default")
    if prediction.confidence_interval:
        low, high = prediction.confidence_interval
        fake = percent(prediction.manipulation_confidence)
        line.append(f"   fake probability {fake}, by its own doubt {percent(low)} to {percent(high)}", style="default")
    if prediction.needs_human_review:
        reasons = "; ".join(WHY_REVIEW[reason] for reason in prediction.review_reasons)
        line.append("\nneeds a person's review" + (f": {reasons}" if reasons else ""), style="yellow")
    return line.append("\n")


def facts(prediction: Prediction, metadata: Metadata) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim")
    table.add_column()
    table.add_row("analysed", f"{metadata.video_duration_sec:.1f} s of video, {frames_of(metadata)}")
    weights = ", ".join(digest[:DIGEST] for digest in metadata.weights_sha256)
    model = f"model {metadata.model_version}" + (f", weights {weights}" if weights else "")
    table.add_row("took", f"{metadata.processing_time_sec:.1f} s with {model}")
    said = {"video": ("picture", prediction.video_confidence), "audio": ("sound", prediction.audio_confidence)}
    judges = [said[modality] for modality in prediction.modalities]
    told = [name + (f" ({percent(fake)} fake)" if fake is not None else "") for name, fake in judges]
    table.add_row("judged by", " and ".join(told) or "nothing: there is too little to go by")
    if prediction.modality_agreement is not None:
        table.add_row("agreement", f"picture and sound agree {percent(prediction.modality_agreement)}")
    if prediction.lip_sync_score is not None:
        table.add_row("lip sync", percent(prediction.lip_sync_score))
    if prediction.segments:
        table.add_row("suspicious", spans([(s.start, s.end, s.confidence) for s in prediction.segments]))
    if prediction.audio_anomalies:
        table.add_row("voice", spans([(a.start, a.end, a.score) for a in prediction.audio_anomalies]))
    return table


def frames_of(metadata: Metadata) -> str:
    """How many frames were looked at, of how many, and what was wrong with the others."""
    if not metadata.frames_left_out:
        return f"{metadata.frames_analyzed} frames"
    why = counted(metadata.frames_left_out)
    return f"{metadata.frames_analyzed} of {metadata.frames_sampled} frames ({why})"


def spans(found: list[tuple[float, float, float]]) -> str:
    return listed([f"{start:.1f}-{end:.1f} s ({percent(peak)})" for start, end, peak in found])


def listed(items: list[str]) -> str:
    return ", ".join(items[:SHOWN]) + (f" and {len(items) - SHOWN} more" if len(items) > SHOWN else "")


def frames(prediction: Prediction, pictures: list[Path]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title="most suspicious frames", title_justify="left", title_style="dim")
    for column in ("frame", "at", "fake", "where", "picture"):
        table.add_column(column, overflow="fold")
    saved = {picture.name for picture in pictures}
    for frame in prediction.anomalous_frames:
        picture = picture_name(frame.frame_id) if picture_name(frame.frame_id) in saved else "none"
        fake, at = percent(frame.confidence), f"{frame.timestamp:.1f} s"
        table.add_row(str(frame.frame_id), at, fake, where(frame), picture)
    return table


def where(frame: AnomalousFrame) -> str:
    """The regions of the face that say most."""
    return ", ".join(f"{CALLED[found.region]} {percent(found.share)}" for found in frame.regions[:NAMED])


def remarks(prediction: Prediction, metadata: Metadata) -> list[str]:
    lines = [WHAT_REAL_MEANS] if prediction.overall_class == "real" else []
    if prediction.modalities == ["video"]:
        lines.append("No usable sound: judged by the picture alone.")
    if "video" not in prediction.modalities:
        lines.append("The picture has no say: too few frames show a face, or all show the same.")
    if (metadata.picture_starts or 0) >= LATE:
        lines.append(
            f"The picture begins {metadata.picture_starts:.1f} s after the sound: times count from the first picture, "
            "and what is heard before it was not judged."
        )
    excluded = [f"{span.start:.1f}-{span.end:.1f} s ({span.reason.replace('_', ' ')})" for span in metadata.excluded]
    if excluded:
        lines.append(f"Left out {listed(excluded)}.")
    return lines


def picture_name(frame_id: int) -> str:
    return f"frame_{frame_id:06d}.png"


def percent(value: float) -> str:
    return f"{100 * value:.0f} %"
