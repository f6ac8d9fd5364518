"""`aura shortcuts`: is it the face that decides, or something beside it?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from infra.cli import options, study
from infra.cli.prepare import prepare
from infra.cli.progress import progress
from infra.cli.refusals import saying_what_is_wrong


def shortcuts(
    checkpoint: options.Checkpoint,
    data_root: options.DataRoot = None,
    manifest: options.Manifest = None,
    split: options.Split = "val",
    extracted: options.Extracted = None,
    device: options.Device = None,
    out: Annotated[Path, typer.Option(help="folder for the tables")] = Path("out/shortcuts"),
) -> None:
    """Compare the model with bare statistics of the videos, then change what is beside the face and ask it again."""
    with saying_what_is_wrong():
        from model_src.evaluation.counted import left_out
        from model_src.evaluation.score import sorted_out, tried
        from model_src.studies.forest import forest
        from model_src.studies.shortcuts import look, name_of, rankings, swayed, table_of_changes, table_of_rankings
        from model_src.studies.variant import StudyInvalid

        predictor, videos = prepare(checkpoint, data_root, manifest, device)
        chosen = [video for video in videos if video.split == split]
        store = options.store_at(extracted)
        looks = tried(chosen, lambda video: look(predictor.score_chunk, video, store))
        seen, missing = sorted_out(progress("looking")(looks, len(chosen)))
        notes = left_out(missing)
        if not seen:
            raise StudyInvalid(" ".join([f"no video of {split} could be scored.", *notes]))
        about = {"checkpoint": str(checkpoint), "split": split}
        whose = f"{checkpoint.stem} on {len(seen)} videos of {split}"
        rows = rankings(seen)
        ranked = table_of_rankings(rows, f"Real from fake: {whose}, beside bare statistics", notes)
        ranked.write(out, "statistics", **about)
        forest(ranked.title, [(name_of(row), row.found) for row in rows]).save(out / "statistics.png")
        changes = table_of_changes(swayed([one for _, one in seen]), f"Changes beside the face: {whose}")
        changes.write(out, "changes", **about)
        study.show_table(ranked, out)
        study.show_table(changes, out)
