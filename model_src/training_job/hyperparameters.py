"""A job's hyperparameters, all of them text, to the settings of a run. Dotted names reach into sections."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from model_src.config.load import ConfigInvalid
from model_src.training.settings import TrainSettings, load_settings
from model_src.training_job.places import JobInvalid, Places

NOT_OURS = ("_", "sagemaker_")  # what the tuner and SageMaker's own SDK add


def settings_of(places: Places) -> TrainSettings:
    return meant_by(places.told("hyperparameters"), places)


def meant_by(told: Mapping[str, Any], places: Places) -> TrainSettings:
    given = {name: plain(text) for name, text in told.items() if not name.startswith(NOT_OURS)}
    try:
        return load_settings(None, **given | {"keep.folder": places.checkpoints})
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"]) or "together"
        raise JobInvalid(f"The hyperparameters cannot be used: {name}: {first['msg']}.") from error
    except ConfigInvalid as error:
        raise JobInvalid(f"The hyperparameters cannot be used: {error}.") from error


def plain(text: Any) -> Any:
    """`0.1`, `true`, `null` and `{"name": …}` are what JSON says they are; everything else is a word."""
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return text
