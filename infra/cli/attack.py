"""`aura attack`: how small a change of the picture fools the model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from infra.cli import options, study
from infra.cli.refusals import saying_what_is_wrong


def attack(
    checkpoint: options.Checkpoint,
    data_root: options.DataRoot = None,
    manifest: options.Manifest = None,
    split: options.Split = "test",
    extracted: options.Extracted = None,
    epsilon: Annotated[list[float] | None, typer.Option(min=0, max=255, help="of 255; once for each size")] = None,
    steps: Annotated[int, typer.Option(min=1, help="of PGD; each is 0.01 of the whole range")] = 10,
    windows: Annotated[int, typer.Option(min=1, help="of each video, spread evenly")] = 4,
    batch_size: Annotated[int, typer.Option(min=1, help="windows at once")] = 8,
    device: options.Device = None,
    out: Annotated[Path, typer.Option(help="folder for the tables and the curve")] = Path("out/attack"),
) -> None:
    """Attack the videos' pixels with FGSM and PGD and write how the AUC falls."""
    with saying_what_is_wrong():
        from model_src.data.find import load_videos
        from model_src.models import load_for_inference
        from model_src.models.device import best_device, device_named
        from model_src.studies.attack import EPSILONS, attack, table_of
        from model_src.studies.epsilon_curve import epsilon_curve
        from model_src.studies.windows import even_windows

        place = str(device_named(device or best_device()))
        model = load_for_inference(checkpoint, place)
        videos = [video for video in load_videos(data_root, manifest) if video.split == split]
        chosen, batches, notes = even_windows(videos, options.store_at(extracted), windows, batch_size, place)
        rows = attack(model, batches, chosen, epsilons=epsilon or EPSILONS, steps=steps)
        table = table_of(rows, f"{checkpoint.stem} under attack, on {len(chosen)} videos of {split}", notes)
        table.write(out, "attack", checkpoint=str(checkpoint), steps=steps, windows=windows)
        epsilon_curve("AUC under attack", rows).save(out / "attack.png")
        study.show_table(table, out)
