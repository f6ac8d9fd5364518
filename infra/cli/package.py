"""`aura package`: from a checkpoint to the `model.tar.gz` that the inference container serves."""

from __future__ import annotations

from pathlib import Path
from pickle import UnpicklingError
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.table import Table

from infra.cli.show import console
from model_src.verdict.scores import Calibration


def package(
    checkpoint: Annotated[Path | None, typer.Argument(help="a .pth or .safetensors file, or a model directory")] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="the archive to write")] = Path("out/model.tar.gz"),
    untrained: Annotated[str | None, typer.Option(help="random weights of a named model, to try things out")] = None,
    model_version: Annotated[
        str | None, typer.Option(help="what answers call the model; the file's name if not given")
    ] = None,
    calibration: Annotated[Path | None, typer.Option(help="calibration.json of this model")] = None,
) -> None:
    """Package a model: weights, exported graphs, calibration and manifest. Measures every backend on the way."""
    from model_src.models import build, load_for_inference
    from model_src.serving.load import UNTRAINED_SEED
    from model_src.serving.package import write_archive

    if (checkpoint is None) == (untrained is None):
        raise typer.BadParameter("give either a checkpoint or --untrained NAME")
    try:
        model = (
            load_for_inference(checkpoint)
            if checkpoint
            else build(str(untrained), pretrained=False, seed=UNTRAINED_SEED)
        )
        chosen = Calibration.model_validate_json(calibration.read_bytes()) if calibration else Calibration()
    except UnpicklingError:
        typer.echo(f"{checkpoint} cannot be packaged: it is no checkpoint.", err=True)
        raise typer.Exit(1) from None
    except (OSError, ValidationError, ValueError, KeyError, RuntimeError) as error:
        typer.echo(f"{checkpoint or untrained} cannot be packaged: {error}", err=True)
        raise typer.Exit(1) from error
    version = model_version or (checkpoint.stem if checkpoint else f"{untrained}-untrained")
    with console.status("exporting and measuring …"):
        manifest = write_archive(
            output, model, model_version=version, trained=checkpoint is not None, calibration=chosen
        )
    assert manifest.plan is not None  # packaging always measures
    table = Table("backend", "ms", "largest difference", "allowed", box=None, padding=(0, 2, 0, 0))
    for found in manifest.plan.measured:
        verdict = "" if found.passed else " [red]refused[/]"
        table.add_row(
            found.backend, f"{found.milliseconds:.0f}", f"{found.difference:.1e}{verdict}", f"{found.bound:g}"
        )
    console.print(table)
    console.print(f"{version} -> {output} ({output.stat().st_size / 1e6:.0f} MB)", soft_wrap=True)
