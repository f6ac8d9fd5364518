"""What the commands that read weights share: whatever is wrong with a file is told in a sentence."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from infra.cli.refusals import refusing
from model_src.verdict.scores import Calibration


def refused_with(beginning: str) -> AbstractContextManager[None]:
    """The sentence starts with these words and goes on with the reason."""
    from model_src.serving.errors import InferenceFailed, ModelUnavailable

    return refusing(
        OSError, ValueError, RuntimeError, ModelUnavailable, InferenceFailed, say=lambda error: f"{beginning}: {error}"
    )


def calibration_of(path: Path | None) -> Calibration:
    """What a calibration.json says; without one, log-odds are taken at their word."""
    return Calibration() if path is None else Calibration.model_validate_json(path.read_bytes())
