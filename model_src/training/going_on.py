"""Going on with a run: in which folder, and under which settings its checkpoint may be taken up again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from model_src.config.schema import ModelConfig
from model_src.models.checkpoint import LATEST_NAME
from model_src.training.settings import TrainSettings

# The order within an epoch, the fall of the rate and the weights depend on these. All others take effect at once.
FIXED: Any = {
    "seed": True,
    "batch_size": True,
    "ema": True,
    "schedule": True,
    "data": {"sources", "windows_per_video"},
}


class CannotResume(ValueError):
    """The run cannot go on from this checkpoint; the message says why."""


class FolderTaken(ValueError):
    """Another run's files would be mixed with this one's; the message names the ways out."""


def refuse_taken(folder: Path, resume: Path | None) -> None:
    latest = folder / LATEST_NAME
    if latest.is_file() and (resume is None or resume.resolve().parent != folder.resolve()):
        raise FolderTaken(
            f"{folder} holds a run already: go on with it (--resume {latest}; not one that was solved), or begin this "
            "one in another folder (keep.folder, in the YAML file of --config)"
        )


def fixed(settings: TrainSettings, model: ModelConfig) -> dict[str, Any]:
    """By dotted names, as kept beside the weights."""
    return flat(settings.model_dump(mode="json", include=FIXED) | {"model": model.model_dump(mode="json")})


def flat(plain: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in plain.items():
        found |= flat(value, f"{before}{name}.") if isinstance(value, dict) else {f"{before}{name}": value}
    return found


def refuse_others(path: Path, then: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    others = [name for name in {**then, **now} if then.get(name) != now.get(name)]
    if others:
        listed = "; ".join(f"{name} {then.get(name)!r}, not {now.get(name)!r}" for name in others)
        raise CannotResume(
            f"{path} is of a run with {listed}: go on with the settings it was begun with, or train anew into another "
            "folder"
        )
