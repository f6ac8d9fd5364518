"""The list of what a model directory holds, with a checksum for each file: checked before anything is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from model_src.models import Ensemble, MultimodalModel, save_for_serving
from model_src.models.checkpoint import SERVED_NAME
from model_src.models.ensemble import members_of
from model_src.preprocess.checksum import sha256
from model_src.serving.errors import ModelUnavailable
from model_src.serving.names import of_member
from model_src.serving.plan import Plan
from model_src.verdict.scores import Calibration

MANIFEST, CALIBRATION = "manifest.json", "calibration.json"


class Manifest(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    model_version: str = Field(min_length=1)
    trained: bool
    files: dict[str, str] = Field(description="file name -> SHA-256 in hexadecimal")
    members: int = Field(default=1, ge=1, description="more than one: an ensemble, their weights numbered")
    plans: list[Plan] = Field(
        default_factory=list, description="for each member, how fast each backend is; none: PyTorch serves, unchecked"
    )

    @property
    def weights(self) -> list[str]:
        """The weights file of each member."""
        return [of_member(SERVED_NAME, place) for place in range(1, self.members + 1)]

    @property
    def weights_sha256(self) -> list[str]:
        return [self.files[name] for name in self.weights]

    @model_validator(mode="after")
    def one_plan_for_each(self) -> Self:
        if len(self.plans) not in (0, self.members):
            raise ValueError("there must be a plan for each member, or none at all")
        return self


def write_model_directory(
    folder: Path,
    model: MultimodalModel | Ensemble,
    *,
    model_version: str,
    trained: bool,
    calibration: Calibration,
    beside: Sequence[str] = (),
    plans: Sequence[Plan] = (),
    half: bool = False,
) -> Manifest:
    """Everything the server needs, and nothing it would have to execute; files `beside` lie in the folder already.

    `half` stores the weights in 16 bits.
    """
    folder.mkdir(parents=True, exist_ok=True)
    weights = {of_member(SERVED_NAME, place): member for place, member in enumerate(members_of(model), start=1)}
    for name, member in weights.items():
        save_for_serving(folder / name, member, half=half)
    (folder / CALIBRATION).write_text(calibration.model_dump_json(indent=2))
    files = {name: sha256(folder / name) for name in (*weights, CALIBRATION, *beside)}
    manifest = Manifest(
        model_version=model_version, trained=trained, files=files, members=len(weights), plans=list(plans)
    )
    (folder / MANIFEST).write_text(manifest.model_dump_json(indent=2))
    return manifest


def read_verified(folder: Path) -> Manifest:
    """The manifest, once every file it names has proved to be the one that was packaged."""
    if not folder.is_dir():
        raise ModelUnavailable(
            f"There is no model directory at {folder}: set AURA_MODEL_DIR (or --model-dir) to one, "
            "or AURA_UNTRAINED_MODEL (or --untrained) to a named model to go without trained weights."
        )
    try:
        manifest = Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    except FileNotFoundError:
        raise ModelUnavailable(f"{folder} holds no {MANIFEST}: it is not a packaged model.") from None
    except ValidationError as error:
        raise ModelUnavailable(f"{folder / MANIFEST} cannot be read: {error.error_count()} errors.") from error
    for name in sorted({*manifest.weights, CALIBRATION} - manifest.files.keys()):
        raise ModelUnavailable(f"{folder / MANIFEST} does not list {name}.")
    for name, expected in manifest.files.items():
        path = folder / name
        if not path.is_file():
            raise ModelUnavailable(f"{name} is in the manifest and not in {folder}.")
        if sha256(path) != expected:
            raise ModelUnavailable(f"{name} is not the file that was packaged: its SHA-256 differs from the manifest.")
    return manifest
