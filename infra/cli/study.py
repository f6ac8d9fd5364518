"""What the commands of the studies share: what is studied, and the table they end in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich import box
from rich.table import Table as RichTable
from rich.text import Text

from infra.cli.options import videos_root
from infra.cli.show import console

if TYPE_CHECKING:
    from model_src.data.video import Split, Video
    from model_src.studies.study import Study
    from model_src.studies.table import Table
    from model_src.studies.variant import Variant
    from model_src.training.settings import TrainSettings


GOES_ON = "The same command goes on from there."  # of one that was stopped


def prepare_study(
    config: Path | None, data_root: Path | None, manifest: Path | None, split: Split, out: Path, debug: bool,
    **changes: Any,
) -> Study:  # fmt: skip
    """The baseline's settings, the videos, and where everything goes. Changes that are None were not asked for."""
    from model_src.data.find import load_videos
    from model_src.studies.study import Study
    from model_src.studies.variant import Variant
    from model_src.training.debug import debug_settings, debug_videos
    from model_src.training.settings import load_settings

    given = {name: value for name, value in changes.items() if value is not None}
    settings: TrainSettings
    videos: list[Video]
    if debug:
        work = Path("out") / "debug"
        settings, videos, root = Variant("debug", given).settings(debug_settings(work)), debug_videos(work), None
    else:
        settings, videos = load_settings(config, **given), load_videos(data_root, manifest)
        root = videos_root(data_root, manifest)
    return Study(settings, videos, out, root, split)


def run_study(study: Study, variants: list[Variant], title: str, remarks: Sequence[str] = ()) -> None:
    """Train, score and compare; the tables and the picture under `out`, and the table here."""
    from model_src.studies.forest import forest
    from model_src.studies.study import table_of

    rows = study.run(variants)
    table = table_of(
        f"{title}, on {len(rows[0][2].videos) if rows[0][2] else 0} videos of {study.split}", rows, remarks
    )
    table.write(study.out, "table", base=study.base.model_dump(mode="json"))
    forest(table.title, [(name, found) for name, found, _ in rows]).save(study.out / "table.png")
    show_table(table, study.out)


def show_table(table: Table, out: Path) -> None:
    console.print(Text(table.title, style="bold"))
    shown = RichTable(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    for place, heading in enumerate(table.headings):
        shown.add_column(heading, justify="right" if place else "left", no_wrap=True)
    for row in table.cells:
        shown.add_row(*map(Text, row))
    console.print(shown)
    for note in table.notes:
        console.print(Text(note, style="dim"))
    console.print(Text(f"-> {out}"))
