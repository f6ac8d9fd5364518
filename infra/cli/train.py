"""`aura train`: from labelled videos to weights. Under torchrun it is one of several processes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from infra.cli import options
from infra.cli.refusals import saying_what_is_wrong
from infra.cli.show import console


def train(
    config: Annotated[Path | None, typer.Option(help="YAML file with the settings of the run")] = None,
    data_root: options.DataRoot = None,
    manifest: options.Manifest = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="times through the training videos, at most")] = None,
    batch_size: Annotated[
        int | None, typer.Option(min=1, help="windows per step, over all processes; fakes made of them come on top")
    ] = None,
    num_workers: Annotated[int | None, typer.Option(min=0, help="processes that read data")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu or cuda")] = None,
    resume: Annotated[Path | None, typer.Option(help="checkpoint to go on from")] = None,
    debug: Annotated[bool, typer.Option("--debug", help="make tiny data and train on it, in two minutes")] = False,
) -> None:
    """Train a model. `--debug` shows the whole pipeline without any data of yours."""
    with saying_what_is_wrong():
        if debug:
            train_on_made_data()
            return
        given = {"stop.epochs": epochs, "batch_size": batch_size, "num_workers": num_workers, "device": device}
        changes = {name: value for name, value in given.items() if value is not None}
        train_on_videos(config, data_root, manifest, changes, resume)


def train_on_made_data() -> None:
    from model_src.training.debug import train_debug

    outcome, target = train_debug(Path("out") / "debug", Path("checkpoints"))
    console.print(f"loss {outcome.metrics['train_total']:.3f}, {outcome.epochs} epochs -> [bold]{target}[/]")


def train_on_videos(
    config: Path | None, data_root: Path | None, manifest: Path | None, changes: dict[str, Any], resume: Path | None
) -> None:
    from model_src.data.find import load_videos
    from model_src.training.run import train as train_model
    from model_src.training.settings import load_settings

    videos = load_videos(data_root, manifest)
    root = options.videos_root(data_root, manifest)
    outcome = train_model(load_settings(config, **changes), videos, data_root=root, resume=resume)
    console.print(f"best AUC {outcome.best_auc:.4f} after {outcome.epochs} epochs -> [bold]{outcome.best}[/]")
