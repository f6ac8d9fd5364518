"""The options that many commands take, spelt once, and the places that they lead to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from model_src.data.video import Split as SplitName

if TYPE_CHECKING:
    from model_src.data.store import Store

DataRoot = Annotated[Path | None, typer.Option(help="folder with split/video_id/video.mp4 and meta.json")]
Manifest = Annotated[Path | None, typer.Option(help="CSV or JSON list of videos")]
Split = Annotated[SplitName, typer.Option(help="split whose videos are scored")]
Extracted = Annotated[Path | None, typer.Option(help="chunks of `aura extract`, instead of the videos")]
Checkpoint = Annotated[Path, typer.Option(help="a checkpoint, a safetensors file, or a packaged model")]
Device = Annotated[str | None, typer.Option(help="cpu or cuda")]
BaselineConfig = Annotated[Path | None, typer.Option(help="YAML file with the settings of the baseline's run")]
EveryRunsEpochs = Annotated[int | None, typer.Option(min=1, help="the budget of every run")]
Debug = Annotated[bool, typer.Option("--debug", help="make tiny data and study on it, to see how it works")]


def videos_root(data_root: Path | None, manifest: Path | None) -> Path:
    """The folder of the videos: that of their list where no other is named."""
    if data_root is not None:
        return data_root
    assert manifest is not None  # `load_videos` has refused to look nowhere
    return manifest.parent


def store_at(extracted: Path | None) -> Store | None:
    """None: the videos themselves are read."""
    from model_src.data.store import Store

    return None if extracted is None else Store(extracted)
