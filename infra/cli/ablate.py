"""`aura ablate`: what each sense and each part of the model is worth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from infra.cli import options, study
from infra.cli.refusals import saying_what_is_wrong


def ablate(
    config: options.BaselineConfig = None,
    data_root: options.DataRoot = None,
    manifest: options.Manifest = None,
    only: Annotated[str | None, typer.Option(help="some components alone, as modality,fusion,lip-sync")] = None,
    epochs: options.EveryRunsEpochs = None,
    split: options.Split = "val",
    device: options.Device = None,
    out: Annotated[Path, typer.Option(help="folder for runs and tables; run again, it goes on")] = Path("out/ablation"),
    debug: options.Debug = False,
) -> None:
    """Train the model without each part, or with what it lacks, and compare all on the same videos."""
    from model_src.studies.ablation import COMPONENTS, ablation, possible

    with saying_what_is_wrong(study.GOES_ON):
        asked = {"stop.epochs": epochs, "device": device}
        prepared = study.prepare_study(config, data_root, manifest, split, out, debug, **asked)
        components = [name.strip() for name in only.split(",")] if only else COMPONENTS
        variants, remarks = possible(prepared.base, ablation(prepared.base, components))
        study.run_study(prepared, variants, "Ablation", remarks)
