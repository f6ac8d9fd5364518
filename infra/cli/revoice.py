"""`aura revoice`: recordings and their vocoded copies, to measure a model that listens."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from infra.cli.refusals import refusing
from infra.cli.show import console
from model_src.data.video import Split


def revoice(
    vocoder: Annotated[str, typer.Option(help="griffin_lim, mel_griffin_lim, source_filter, harmonics or world")],
    data_root: Annotated[Path | None, typer.Option(help="folder with the recordings")] = None,
    manifest: Annotated[Path | None, typer.Option(help="CSV or JSON list of recordings")] = None,
    split: Annotated[Split, typer.Option(help="which split is copied")] = "val",
    out: Annotated[Path, typer.Option(help="where the copies and their manifest.json go")] = Path("out/revoiced"),
) -> None:
    """Put every real recording of a split through a vocoder.

    With a vocoder the model did not learn from, this measures how well it generalises.
    """
    from model_src.data.choose import of_split, real_recordings
    from model_src.data.dataset import NothingToLearnFrom
    from model_src.data.fakes.revoice import revoice as copies
    from model_src.data.fakes.vocoders import VOCODERS, VocoderMissing
    from model_src.data.find import load_videos
    from model_src.data.manifest import LIST, ManifestInvalid

    if vocoder not in VOCODERS:
        raise typer.BadParameter(f"{vocoder!r} is none of {', '.join(VOCODERS)}")
    with refusing(ManifestInvalid, NothingToLearnFrom, VocoderMissing):
        chosen = real_recordings(of_split(load_videos(data_root, manifest), split))
        written = sum(1 for _ in copies(chosen, vocoder, out))
    console.print(f"{written} recordings through {vocoder} -> {out / LIST}", soft_wrap=True)
