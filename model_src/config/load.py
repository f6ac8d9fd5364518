"""Reads a model configuration: one of the named files beside this one, or any YAML file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from model_src.config.schema import ModelConfig

FOLDER = Path(__file__).parent


class ConfigInvalid(ValueError):
    """What was asked for cannot be configured; the message says which file or name, and why."""


def read_yaml(path: Path) -> dict[str, Any]:
    """The settings in a YAML file; none where it is empty."""
    try:
        plain = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigInvalid(f"{path} cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigInvalid(f"{path} is no YAML: {error}") from error
    if not isinstance(plain, dict | None):
        raise ConfigInvalid(f"{path} holds no settings: write each on a line of its own, as seed: 1")
    return plain or {}


def named_configs() -> list[str]:
    """The names that `build` knows: one per YAML file in this folder."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def load_config(name_or_path: str | Path) -> ModelConfig:
    """The configuration of that name, or of that YAML file. Unknown names and unknown keys are errors."""
    path = Path(name_or_path)
    if path.suffix not in {".yaml", ".yml"}:
        path = FOLDER / f"{name_or_path}.yaml"
        if str(name_or_path) not in named_configs():
            raise ConfigInvalid(f"no model is called {name_or_path!r}; there are: {', '.join(named_configs())}")
    return ModelConfig.model_validate(read_yaml(path))
