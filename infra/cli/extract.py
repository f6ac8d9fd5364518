"""`aura extract`: split every video of a dataset once, for training that need not do it again every epoch."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from infra.cli import options
from infra.cli.refusals import refusing
from infra.cli.show import console


def extract(
    data_root: options.DataRoot = None,
    manifest: options.Manifest = None,
    out: Annotated[Path | None, typer.Option(help="where the chunks go; beside the data root if not given")] = None,
    workers: Annotated[int, typer.Option(min=1, help="videos at once")] = max(1, os.cpu_count() or 1),
    frame_rate: Annotated[float, typer.Option(help="frames per second; 10 for high-resolution material")] = 5.0,
    min_side: Annotated[int, typer.Option(help="videos with a shorter side are left out")] = 240,
    flow: Annotated[bool, typer.Option("--flow", help="also compute optical flow, for 5-channel models")] = False,
) -> None:
    """Cut videos into windows of aligned faces and sound. Run it again after an interruption: it goes on."""
    from model_src.data.extract import EXTRACT_SETTINGS, Tally, extract_all, store_beside
    from model_src.data.find import load_videos
    from model_src.data.manifest import ManifestInvalid
    from model_src.data.store import Store

    limits = replace(EXTRACT_SETTINGS.limits, min_short_side=min_side)
    try:
        settings = replace(EXTRACT_SETTINGS, frame_rate=frame_rate, flow=flow, limits=limits)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--frame-rate") from error
    with refusing(ManifestInvalid):
        videos = load_videos(data_root, manifest)
    store = Store(out) if out else store_beside(options.videos_root(data_root, manifest))
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    tally = Tally()
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("extracting", total=len(videos))
        for tally in extract_all(videos, store, settings, workers):
            progress.update(task, completed=tally.usable + tally.rejected.total())
    console.print(f"{tally.done} extracted, {tally.already} were there already -> {store.root}")
    for reason, count in tally.rejected.most_common():
        console.print(f"[yellow]{count} left out[/]: {reason.replace('_', ' ')}")
    if not tally.usable:
        raise typer.Exit(1)
