"""The list of what a model directory holds, with a checksum for each file: checked before anything is loaded."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from model_src.models import MultimodalModel, save_for_serving
from model_src.serving.errors import ModelUnavailable
from model_src.serving.plan import Plan
from model_src.verdict.scores import Calibration

MANIFEST, WEIGHTS, CALIBRATION = "manifest.json", "model.safetensors", "calibration.json"


class Manifest(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    model_version: str = Field(min_length=1)
    trained: bool
    files: dict[str, str] = Field(description="file name -> SHA-256 in hexadecimal")
    plan: Plan | None = Field(default=None, description="how fast each backend is; None: PyTorch serves, unchecked")


def write_model_directory(
    folder: Path,
    model: MultimodalModel,
    *,
    model_version: str,
    trained: bool,
    calibration: Calibration,
    graphs: Sequence[str] = (),
    plan: Plan | None = None,
) -> Manifest:
    """Everything the server needs, and nothing it would have to execute; the graphs named lie in the folder already."""
    folder.mkdir(parents=True, exist_ok=True)
    save_for_serving(folder / WEIGHTS, model)
    (folder / CALIBRATION).write_text(calibration.model_dump_json(indent=2))
    files = {name: sha256(folder / name) for name in (WEIGHTS, CALIBRATION, *graphs)}
    manifest = Manifest(model_version=model_version, trained=trained, files=files, plan=plan)
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
    for name in {WEIGHTS, CALIBRATION} - manifest.files.keys():
        raise ModelUnavailable(f"{folder / MANIFEST} does not list {name}.")
    for name, expected in manifest.files.items():
        path = folder / name
        if not path.is_file():
            raise ModelUnavailable(f"{name} is in the manifest and not in {folder}.")
        if sha256(path) != expected:
            raise ModelUnavailable(f"{name} is not the file that was packaged: its SHA-256 differs from the manifest.")
    return manifest


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
