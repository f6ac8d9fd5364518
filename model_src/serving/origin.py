"""What the models say of themselves that are about to be packaged: name, trained or not, calibration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from model_src.serving.manifest import MANIFEST, read_verified
from model_src.serving.model_directory import ModelDirectory
from model_src.verdict.scores import Calibration


@dataclass(frozen=True)
class Origin:
    """Without a word on calibration, log-odds are taken at their word."""

    name: str
    trained: bool = True
    calibration: Calibration = field(default_factory=Calibration)


def origin_of(path: Path) -> Origin:
    """Of a model directory as its manifest vouches for; a bare checkpoint comes from training."""
    if not (path / MANIFEST).is_file():
        return Origin(path.stem)
    manifest = read_verified(path)
    return Origin(manifest.model_version, manifest.trained, ModelDirectory(path).calibration())


def together_from(origins: Sequence[Origin], calibration: Calibration | None) -> Origin:
    """One model as it is, or several as an ensemble; a calibration that is given goes before their own."""
    own = {origin.calibration for origin in origins}
    if calibration is None and len(own) > 1:
        raise ValueError("each of the models is calibrated differently, and their mean not at all: give a calibration")
    return Origin(
        "+".join(origin.name for origin in origins),
        all(origin.trained for origin in origins),
        calibration or own.pop(),
    )
