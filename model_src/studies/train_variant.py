"""Trains one variant, unless it is trained already; one that was interrupted goes on where it stopped."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from model_src.data.video import Video
from model_src.models.checkpoint import LATEST_NAME
from model_src.studies.material import described, store_of
from model_src.studies.remember import fingerprint, folder_name, remembered
from model_src.training.run import train
from model_src.training.settings import TrainSettings


def train_variant(
    name: str, settings: TrainSettings, videos: Sequence[Video], out: Path, data_root: Path | None = None
) -> Path:
    """The best checkpoint. Other settings or videos get another folder, so nothing old is ever taken for the new."""
    seen = described([video for video in videos if video.split != "test"], store_of(settings, data_root))
    decisive = settings.model_dump(mode="json", exclude={"model", "keep", "log", "num_workers", "device"})
    made_from = [decisive, settings.model_settings().model_dump(mode="json"), seen]
    folder = out / f"{folder_name(name)}-{fingerprint(made_from)}"
    keep = settings.keep.model_copy(update={"folder": folder, "every_epochs": settings.stop.epochs + 1})
    settings = settings.model_copy(update={"keep": keep})

    def make() -> dict[str, Any]:
        latest = folder / LATEST_NAME
        outcome = train(settings, videos, data_root=data_root, resume=latest if latest.is_file() else None)
        return {"checkpoint": outcome.best.name, "epochs": outcome.epochs}

    return folder / remembered(folder / "finished.json", made_from, make)["checkpoint"]
