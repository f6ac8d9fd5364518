"""`aura demo`: one video all the way on this machine, from upload to verdict."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from infra.cli.analyze import analyze
from infra.cli.sample import sample_clip
from infra.cli.show import console


def demo(
    video: Annotated[Path | None, typer.Argument(exists=True, dir_okay=False, help="your own video")] = None,
    out: Annotated[Path, typer.Option(help="where the report and pictures are saved")] = Path("out"),
) -> None:
    """Analyse a sample clip, or your own, on the embedded stack: the real template, workflow and model."""
    if video is None:
        video = sample_clip(out / "sample" / "carphone.mp4")
        console.print(f"[dim]sample: {video} (a real man talking, 4 s, no sound)[/]")
    analyze([video], api=None, token=None, out=out, timeout=300)
