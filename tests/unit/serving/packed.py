"""A model's folder as SageMaker keeps it: one archive."""

from __future__ import annotations

import tarfile
from pathlib import Path

from model_src.serving.manifest import write_model_directory
from model_src.verdict.scores import Calibration
from tests.unit.serving.models import small_model


def packed(folder: Path) -> Path:
    """Every file of the folder at the root of an archive beside it."""
    archive = folder.with_name(f"{folder.name}.tar.gz")
    with tarfile.open(archive, "w:gz") as tar:
        for path in folder.iterdir():
            tar.add(path, arcname=path.name)
    return archive


def packed_small_model(folder: Path, version: str) -> Path:
    """A model that somebody made by hand and deployed."""
    made = folder / version
    write_model_directory(made, small_model(), model_version=version, trained=True, calibration=Calibration())
    return packed(made)
