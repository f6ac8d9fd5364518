"""`aura ship`: the trained model that comes with the code, as a folder for the repository."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from infra.cli.show import console
from infra.cli.weights import calibration_of, refused_with
from model_src.serving.default import DEFAULT_MODEL


def ship(
    checkpoint: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help=".pth or .safetensors file")],
    card: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="what the model is and is not, in Markdown")],
    model_version: Annotated[str, typer.Option(help="what answers call the model")],
    calibration: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="calibration.json, where it is not part of the heads already"),
    ] = None,
    out: Annotated[
        Path, typer.Option(file_okay=False, show_default=False, help="the folder to write; the default model's")
    ] = DEFAULT_MODEL,
) -> None:
    """Write a model for the repository: weights, calibration, card and manifest, no graphs."""
    from model_src.models import load_for_inference
    from model_src.serving.ship import ship as write

    with refused_with(f"{checkpoint} cannot be shipped"):
        write(
            out,
            load_for_inference(checkpoint),
            model_version=model_version,
            calibration=calibration_of(calibration),
            card=card.read_text(encoding="utf-8"),
        )
    size = sum(file.stat().st_size for file in out.iterdir())
    console.print(f"{model_version} -> {out} ({size / 1e6:.1f} MB)", soft_wrap=True)
