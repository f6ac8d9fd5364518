"""`aura robustness`: what codecs, sizes and noise do to the model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from infra.cli import options, study
from infra.cli.prepare import prepare
from infra.cli.refusals import saying_what_is_wrong


def robustness(
    checkpoint: options.Checkpoint,
    data_root: options.DataRoot = None,
    manifest: options.Manifest = None,
    split: options.Split = "test",
    only: Annotated[str | None, typer.Option(help="conditions whose name begins so, as H.264,phone")] = None,
    device: options.Device = None,
    out: Annotated[Path, typer.Option(help="folder for tables and scores; run again, it goes on")] = Path(
        "out/robustness"
    ),
) -> None:
    """Make the videos of a split anew under each condition, score them, and compare with the videos as they are."""
    with saying_what_is_wrong():
        from model_src.studies.conditions import CONDITIONS
        from model_src.studies.forest import forest
        from model_src.studies.robustness import robustness, table_of
        from model_src.studies.variant import StudyInvalid
        from model_src.studies.video_score import weights_of

        begins = tuple(name.strip().lower() for name in only.split(",")) if only else ("",)
        conditions = {name: how for name, how in CONDITIONS.items() if name.lower().startswith(begins)}
        if not conditions:
            raise StudyInvalid(f"no condition begins with {only}; there are {', '.join(CONDITIONS)}")
        predictor, videos = prepare(checkpoint, data_root, manifest, device)
        chosen = [video for video in videos if video.split == split]
        if not chosen:
            raise StudyInvalid(f"there is no video of {split}")
        rows = robustness(predictor, weights_of(checkpoint), chosen, conditions, out / "scores")
        table = table_of(rows, f"{checkpoint.stem} on {len(chosen)} videos of {split}, made anew")
        table.write(out, "robustness", checkpoint=str(checkpoint), split=split)
        forest(table.title, [(row.condition, row.found) for row in rows]).save(out / "robustness.png")
        study.show_table(table, out)
