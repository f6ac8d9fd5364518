"""`aura cross`: what a model learnt on one dataset is worth on the others."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from infra.cli import options, study
from infra.cli.pairs import pairs
from infra.cli.refusals import saying_what_is_wrong


def cross(
    config: Annotated[Path | None, typer.Option(help="YAML file with the settings of every run")] = None,
    data_root: options.DataRoot = None,
    manifest: options.Manifest = None,
    checkpoint: Annotated[
        list[str] | None, typer.Option(help="name=path of a trained model, once for each; nothing is trained then")
    ] = None,
    extracted: options.Extracted = None,
    epochs: options.EveryRunsEpochs = None,
    device: options.Device = None,
    out: Annotated[Path, typer.Option(help="folder for runs and tables; run again, it goes on")] = Path("out/cross"),
) -> None:
    """Train on each source of a manifest, test on each, and write the matrix of AUCs."""
    given = {name: Path(path) for name, path in pairs("--checkpoint", checkpoint or []).items()}
    with saying_what_is_wrong(study.GOES_ON):
        from model_src.studies.cross import cross as judge_all
        from model_src.studies.cross import table_of
        from model_src.studies.heat import heat

        asked = {"stop.epochs": epochs, "device": device, "data.extracted": extracted}
        prepared = study.prepare_study(config, data_root, manifest, "test", out, False, **asked)
        cells = judge_all(prepared.base, prepared.videos, out, prepared.data_root, given)
        table = table_of(cells)
        table.write(out, "cross", models={name: str(path) for name, path in given.items()})
        heat("AUC: learnt on the row, tested on the column", cells).save(out / "cross.png")
        study.show_table(table, out)
