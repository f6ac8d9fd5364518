"""`aura speak`: sentences read by text-to-speech, to measure a model that listens."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from infra.cli import options
from infra.cli.refusals import refusing
from infra.cli.show import console
from model_src.data.video import Split


def speak(
    engine: Annotated[str, typer.Option(help="whose voice: hibari or piper; its package is to be installed")],
    data_root: options.DataRoot = None,
    manifest: options.Manifest = None,
    split: Annotated[Split, typer.Option(help="which split's recordings stand beside it")] = "val",
    sentences: Annotated[int, typer.Option(min=1, max=512, help="how many are read")] = 100,
    out: Annotated[Path, typer.Option(help="where the sentences and their manifest.json go")] = Path("out/spoken"),
) -> None:
    """Have sentences read aloud by a neural voice that no model here has learnt, and list them beside real recordings.

    What `aura evaluate` says of the list is how well a model notices such voices.
    """
    from model_src.data.choose import of_split, real_recordings
    from model_src.data.dataset import NothingToLearnFrom
    from model_src.data.fakes.speak import ENGINES, EngineMissing
    from model_src.data.fakes.speak import speak as read
    from model_src.data.find import load_videos
    from model_src.data.manifest import LIST, ManifestInvalid

    if engine not in ENGINES:
        raise typer.BadParameter(f"{engine!r} is none of {', '.join(ENGINES)}")
    with refusing(ManifestInvalid, NothingToLearnFrom, EngineMissing):
        beside = real_recordings(of_split(load_videos(data_root, manifest), split))
        written = sum(1 for _ in read(engine, sentences, beside, out))
    console.print(f"{written} sentences by {engine} beside {len(beside)} recordings -> {out / LIST}", soft_wrap=True)
