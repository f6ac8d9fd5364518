"""`aura gather`: one list out of several, such as everything that a model is calibrated on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from infra.cli.refusals import refusing
from infra.cli.show import console
from model_src.data.video import SPLITS, Split


def gather(
    data_root: Annotated[list[Path] | None, typer.Option(help="folder of videos; once for each")] = None,
    manifest: Annotated[list[Path] | None, typer.Option(help="CSV or JSON list; once for each")] = None,
    take: Annotated[list[str] | None, typer.Option(help="splits to take; all but train if not given")] = None,
    leave: Annotated[list[str] | None, typer.Option(help="sources to leave out")] = None,
    call: Annotated[Split, typer.Option(help="the split that all of them become")] = "val",
    out: Annotated[Path, typer.Option(help="the list to write, as JSON")] = Path("out/gathered.json"),
) -> None:
    """Write one list of the videos of several data sets. A video that is in two of them is taken once."""
    from model_src.data.find import load_videos
    from model_src.data.joined import joined
    from model_src.data.manifest import ManifestInvalid, write_manifest

    refuse_unknown("--take", take or [], SPLITS)
    places = [*((root, None) for root in data_root or []), *((None, path) for path in manifest or [])]
    with refusing(ManifestInvalid):
        found = [video for root, listed in places or [(None, None)] for video in load_videos(root, listed)]
        refuse_unknown("--leave", leave or [], sorted({video.source for video in found}))
        chosen = [v for v in found if v.split in (take or ["val", "test"]) and v.source not in (leave or [])]
        videos = [video.model_copy(update={"split": call}) for video in joined(chosen)]
        if not videos:
            raise ManifestInvalid(f"None of the {len(found)} videos is to be taken: see --take and --leave.")
    write_manifest(out, videos)
    console.print(f"{len(videos)} videos -> {out}", soft_wrap=True)


def refuse_unknown(option: str, words: Sequence[str], known: Sequence[str]) -> None:
    for word in words:
        if word not in known:
            raise typer.BadParameter(f"{word!r} is none of {', '.join(known)}", param_hint=option)
