"""The folders and files that SageMaker and a training container have agreed on, all under one root."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path("/opt/ml")
CHECKPOINTS = "checkpoints"


class JobInvalid(ValueError):
    """The job cannot be done as it was ordered; the message says what to change in the order."""


@dataclass(frozen=True)
class Places:
    root: Path = ROOT

    @property
    def checkpoints(self) -> Path:
        """Kept in step with S3, also while the job runs: a job that starts again finds here what it had."""
        return self.root / CHECKPOINTS

    @property
    def model(self) -> Path:
        """Becomes model.tar.gz."""
        return self.root / "model"

    @property
    def report(self) -> Path:
        """Becomes output.tar.gz."""
        return self.root / "output" / "data"

    @property
    def failure(self) -> Path:
        """Its first kilobyte is the job's FailureReason."""
        return self.root / "output" / "failure"

    @property
    def extracted(self) -> Path:
        """Where this job extracts videos that came as they are."""
        return self.root / "input" / "data" / ".aura-extracted"

    def channel(self, name: str) -> Path:
        return self.root / "input" / "data" / name

    def told(self, name: str) -> dict[str, Any]:
        """One of the files that describe the job: hyperparameters, inputdataconfig, resourceconfig."""
        path = self.root / "input" / "config" / f"{name}.json"
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except ValueError as error:
            raise JobInvalid(f"{path} is no JSON: {error}.") from error
        if not isinstance(content, dict):
            raise JobInvalid(f"{path} holds no JSON object.")
        return content

    def refuse_unwritable(self, *folders: Path) -> None:
        """Before hours of work, not after them."""
        for folder in folders:
            try:
                folder.mkdir(parents=True, exist_ok=True)
                probe = folder / ".writable"
                probe.touch()
                probe.unlink(missing_ok=True)  # another process of the team may have been quicker
            except OSError as error:
                raise JobInvalid(
                    f"{folder} cannot be written by this container's user ({error.strerror}): "
                    "build the image with --build-arg RUN_AS=0, or give the folder to the user."
                ) from error
