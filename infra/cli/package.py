"""`aura package`: from a checkpoint to the `model.tar.gz` that the inference container serves."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from infra.cli.show import console
from infra.cli.weights import calibration_of, refused_with


def package(
    checkpoints: Annotated[
        list[Path] | None,
        typer.Argument(help=".pth or .safetensors file, or model directory; several: an ensemble"),
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="the archive to write")] = Path("out/model.tar.gz"),
    untrained: Annotated[str | None, typer.Option(help="random weights of a named model, to try things out")] = None,
    model_version: Annotated[
        str | None, typer.Option(help="what answers call the model; the files' names if not given")
    ] = None,
    calibration: Annotated[
        Path | None, typer.Option(help="calibration.json of this model; a model directory's own if not given")
    ] = None,
) -> None:
    """Package a model: weights, exported graphs, calibration and manifest. Measures every backend on the way."""
    from model_src.models import build
    from model_src.models.ensemble import together
    from model_src.serving.model_directory import read_models
    from model_src.serving.origin import Origin, origin_of, together_from
    from model_src.serving.package import write_archive
    from model_src.serving.predictor import same_senses
    from model_src.serving.untrained_model import UNTRAINED_SEED

    if bool(checkpoints) == bool(untrained):
        raise typer.BadParameter("give either checkpoints or --untrained NAME")
    paths = checkpoints or []
    given = ", ".join(map(str, paths)) or untrained
    with refused_with(f"{given} cannot be packaged"):
        models = [model for path in paths for model in read_models(path)]
        models = models or [build(str(untrained), pretrained=False, seed=UNTRAINED_SEED)]
        same_senses(models)
        model = together(models)
        origins = [origin_of(path) for path in paths] or [Origin(f"{untrained}-untrained", trained=False)]
        origin = together_from(origins, calibration_of(calibration) if calibration else None)
    version, kept = model_version or origin.name, origin.calibration
    with console.status("exporting and measuring …"):
        manifest = write_archive(output, model, model_version=version, trained=origin.trained, calibration=kept)
    for plan in manifest.plans:
        table = Table("backend", "ms", "largest difference", "allowed", box=None, padding=(0, 2, 0, 0))
        for found in plan.measured:
            verdict = "" if found.passed else " [red]refused[/]"
            table.add_row(
                found.backend, f"{found.milliseconds:.0f}", f"{found.difference:.1e}{verdict}", f"{found.bound:g}"
            )
        console.print(table)
    console.print(f"calibration: {kept.method}, scale {kept.scale:.4f}, bias {kept.bias:.4f}")
    console.print(f"{version} -> {output} ({output.stat().st_size / 1e6:.0f} MB)", soft_wrap=True)
