"""What the commands that score videos begin with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from infra.cli.refusals import refusing

if TYPE_CHECKING:
    from model_src.data.video import Video
    from model_src.serving.predictor import Predictor


def prepare(
    checkpoint: Path, data_root: Path | None, manifest: Path | None, device: str | None
) -> tuple[Predictor, list[Video]]:
    """The model and the videos, or a sentence on what is wrong with either."""
    from model_src.data.find import load_videos
    from model_src.data.manifest import ManifestInvalid
    from model_src.evaluation.score import load_predictor
    from model_src.models.checkpoint import CheckpointUnreadable
    from model_src.models.device import NoSuchDevice, device_named
    from model_src.serving.errors import ModelUnavailable

    with refusing(ManifestInvalid, ModelUnavailable, CheckpointUnreadable, NoSuchDevice, FileNotFoundError):
        if device is not None:
            device_named(device)
        return load_predictor(checkpoint, device), load_videos(data_root, manifest)
