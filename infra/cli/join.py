"""`aura join`: a model that learnt to look and one that learnt to listen, as one that does both."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from infra.cli.show import console
from infra.cli.weights import calibration_of, refused_with


def join(
    picture: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="checkpoint of a run without sound")],
    sound: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="checkpoint of a run without picture")],
    out: Annotated[Path, typer.Option(help="the checkpoint to write")] = Path("out/joined.pth"),
    picture_calibration: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="calibration.json of the picture run")
    ] = None,
    sound_calibration: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="calibration.json of the sound run")
    ] = None,
    name: Annotated[str, typer.Option(help="what the configuration calls the model")] = "compact-default",
) -> None:
    """Join two checkpoints: fake if the picture or the sound looks fake. Nothing is learnt."""
    from model_src.models import load_for_inference, save_checkpoint
    from model_src.serving.join import join as joined

    with refused_with(f"{picture} cannot be joined"):
        looks = load_for_inference(picture)
    with refused_with(f"{sound} cannot be joined"):
        listens = load_for_inference(sound)
    with refused_with(f"{picture} and {sound} cannot be joined"):
        model = joined(looks, listens, name, calibration_of(picture_calibration), calibration_of(sound_calibration))
    save_checkpoint(out, model, epoch=0, metrics={})
    console.print(f"{name} -> {out}", soft_wrap=True)
