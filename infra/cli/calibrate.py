"""`aura calibrate`: make a model's probabilities mean what they say, and package both together."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from infra.cli import options
from infra.cli.prepare import prepare
from infra.cli.progress import progress
from infra.cli.refusals import refusing
from infra.cli.show import console
from model_src.data.video import Split


def calibrate(
    checkpoint: options.Checkpoint,
    data_root: options.DataRoot = None,
    manifest: options.Manifest = None,
    split: Annotated[Split, typer.Option(help="split that the model was not trained on")] = "val",
    platt: Annotated[bool, typer.Option("--platt", help="scale and bias instead of a temperature alone")] = False,
    prior: Annotated[
        float | None,
        typer.Option(min=0.001, max=0.999, help="share of fakes where the model will be used, with --platt"),
    ] = None,
    held_back: Annotated[
        Path | None, typer.Option(help="held_back.csv of a solved model: also show the verdicts on the people left out")
    ] = None,
    extracted: options.Extracted = None,
    out: Annotated[Path, typer.Option(help="the packaged model: weights, calibration.json, manifest")] = Path(
        "out/model"
    ),
    device: options.Device = None,
) -> None:
    """Fit temperature (or Platt) scaling and write a model directory that the server takes."""
    from model_src.evaluation.calibrate_model import calibrate_model
    from model_src.evaluation.held_back import said_of_held_back
    from model_src.evaluation.score import score_split
    from model_src.serving.manifest import write_model_directory

    predictor, videos = prepare(checkpoint, data_root, manifest, device)
    scored, missing = score_split(predictor, videos, split, options.store_at(extracted), progress(f"scoring {split}"))
    of_what = f"{len(scored)} videos of {split} scored, {dict(missing)}."
    with refusing(ValueError, say=lambda error: f"{str(error).capitalize()}; {of_what}"):
        found = calibrate_model(scored, "platt" if platt else "temperature", prior)
    calibration = found.calibration
    write_model_directory(
        out,
        predictor.model,
        model_version=predictor.model_version,
        trained=predictor.trained,
        calibration=calibration,
    )
    if found.warning:
        typer.echo(found.warning, err=True)
    console.print(
        f"{calibration.method}: scale {calibration.scale:.4f}, bias {calibration.bias:.4f} -> {out}", soft_wrap=True
    )
    apart = (
        "unknown on people left out of the fit: without some, the others are all real or all fake"
        if found.error_apart is None
        else f"{found.error_apart:.4f} on people left out of the fit"
    )
    console.print(f"calibration error {found.error_before:.4f} before, {found.error_after:.4f} after, {apart}")
    usual, most = found.error_by_chance
    console.print(
        f"were every probability right, {len(scored)} videos would show {usual:.4f}, and {most:.4f} one time in twenty"
    )
    for kind, answers in (said_of_held_back(held_back, calibration) if held_back else {}).items():
        shares = ", ".join(f"{answers[name]:.1%} {name}" for name in ("real", "uncertain", "fake"))
        console.print(f"people left out of the learning, {answers['videos']} {kind} videos: {shares}")
