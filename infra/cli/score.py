"""`aura score`: split, score, aggregate and calibrate in one process, without the emulator. One JSON line per file."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from functions.core.names import harmless
from infra.cli.refusals import refusing
from infra.cli.show import console, percent, plain
from infra.local.home import model_cache
from model_src.data.manifest import SUFFIXES
from model_src.preprocess.chunk import Chunk
from model_src.preprocess.errors import VideoRejected
from model_src.preprocess.split import split_video
from model_src.serving.default import DEFAULT_MODEL
from model_src.verdict.aggregate import UnusableScores, aggregate
from model_src.verdict.calibrate import calibrate
from model_src.verdict.scores import ChunkScores

if TYPE_CHECKING:  # importing it imports torch, which takes seconds that a typing error need not cost
    from model_src.serving.predictor import Predictor

TOLD = {  # of a prediction, under its own names
    "modalities", "confidence_interval", "needs_human_review", "review_reasons", "video_confidence",
    "audio_confidence", "segments", "audio_anomalies",
}  # fmt: skip


def score(
    paths: Annotated[list[Path], typer.Argument(help="videos, or folders of videos")],
    json_lines: Annotated[
        bool, typer.Option("--json-lines", help="one JSON object per file; always so when the output is piped")
    ] = False,
    model_dir: Annotated[
        Path | None,
        typer.Option(envvar="AURA_MODEL_DIR", help="a packaged model; the one that comes with the code if not given"),
    ] = None,
    untrained: Annotated[str | None, typer.Option(help="random weights of a named model, to try things out")] = None,
) -> None:
    """Score videos in this process. A file that cannot be analysed gets its line too, with the reason."""
    from model_src.serving.choose_source import choose_source
    from model_src.serving.errors import ModelUnavailable
    from model_src.serving.logs import log_to_stderr

    log_to_stderr()
    directory = None if untrained else str(model_dir or DEFAULT_MODEL)  # the environment may name one beside the option
    with refusing(ModelUnavailable):
        predictor = choose_source(directory, untrained, str(model_cache())).load()
    json_lines = json_lines or not sys.stdout.isatty()
    for path in videos(paths):
        line = score_one(path, predictor)
        typer.echo(json.dumps(line)) if json_lines else console.print(sentence(line), soft_wrap=True)


def videos(paths: list[Path]) -> Iterator[Path]:
    """Files as they are named, folders by their videos; sorted, so that two runs print the same order."""
    for path in paths:
        if path.is_dir():
            found = sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())
            if not found:
                typer.echo(harmless(f"There is no video in {path}."), err=True)
            yield from found
        else:
            yield path


def score_one(path: Path, predictor: Predictor) -> dict[str, Any]:
    from model_src.serving.errors import InferenceFailed

    line: dict[str, Any] = {
        "file": str(path), "fake": None, "class": None, "confidence": None, "error": None,
        "model_version": predictor.model_version, "trained": predictor.trained,
    }  # fmt: skip
    scores: list[ChunkScores] = []

    def score_chunk(chunk: Chunk) -> None:
        scores.append(predictor.score_chunk(chunk))

    try:
        report = split_video(path, score_chunk).to_dict()
        prediction = calibrate(aggregate(scores, report["duration"]))
    except VideoRejected as rejection:
        return line | {"error": {"code": rejection.code, "message": rejection.message}}
    except (UnusableScores, InferenceFailed) as error:
        return line | {"error": {"code": "inference_failed", "message": str(error)}}
    except Exception as error:  # noqa: BLE001 - whatever one file breaks, the others are scored
        return line | {"error": {"code": "internal_error", "message": str(error) or type(error).__name__}}
    return line | {
        "fake": prediction.manipulation_confidence,
        "class": prediction.overall_class,
        "confidence": prediction.overall_confidence,
        "duration": report["duration"],
        "frames_analyzed": report["frames_analyzed"],
        **prediction.model_dump(mode="json", include=TOLD),
        "excluded": report["excluded"],
    }


def sentence(line: dict[str, Any]) -> Text:
    """A name stands as it is, brackets included, but for what would steer the terminal."""
    name = harmless(line["file"])
    if line["error"]:
        told = plain(f" ({line['error']['code']}): {line['error']['message']}")
        return Text.assemble(f"{name}: ", ("not analysed", "yellow"), told)
    said = Text.assemble(f"{name}: ", (line["class"], "bold"), f", fake probability {percent(line['fake'])}")
    if line["needs_human_review"]:
        said.append(", needs a person's review", style="yellow")
    return said if line["trained"] else said.append(" (untrained weights: means nothing)", style="dim")
