"""`aura sweep`: the same run under other values of its settings, such as the weights of its losses."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from infra.cli import options, study
from infra.cli.refusals import saying_what_is_wrong


def sweep(
    assignments: Annotated[list[str], typer.Option("--set", help="setting and values, as loss.lip_sync=0.05,0.1,0.2")],
    config: options.BaselineConfig = None,
    data_root: options.DataRoot = None,
    manifest: options.Manifest = None,
    epochs: options.EveryRunsEpochs = None,
    split: options.Split = "val",
    device: options.Device = None,
    out: Annotated[Path, typer.Option(help="folder for runs and tables; run again, it goes on")] = Path("out/sweep"),
    debug: options.Debug = False,
) -> None:
    """Train once for every combination of the values and compare all on the same videos."""
    from model_src.studies.variant import sweep as combinations

    with saying_what_is_wrong(study.GOES_ON):
        asked = {"stop.epochs": epochs, "device": device}
        prepared = study.prepare_study(config, data_root, manifest, split, out, debug, **asked)
        study.run_study(prepared, combinations(assignments), "Sweep")
