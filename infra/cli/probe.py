"""`aura probe`: what Validate would say, without uploading anything."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from model_src.preprocess.errors import VideoRejected
from model_src.preprocess.probe import probe as probe_video


def probe(files: Annotated[list[Path], typer.Argument(help="videos to look at")]) -> None:
    """Would Validate accept this video, and what is in it? One JSON object per file.

    Faces are looked for later, by Split.
    """
    rejected = False
    for path in files:
        try:
            answer = {"file": str(path), "accepted": True, "video": probe_video(path).to_dict(), "error": None}
        except VideoRejected as rejection:
            rejected = True
            error = {"code": rejection.code, "message": rejection.message}
            answer = {"file": str(path), "accepted": False, "video": None, "error": error}
        typer.echo(json.dumps(answer))
    if rejected:
        raise typer.Exit(1)
