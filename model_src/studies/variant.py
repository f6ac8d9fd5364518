"""A variant: a run's settings with a few of them changed, under a name. A study is a list of variants."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml
from pydantic import ValidationError

from model_src.training.settings import TrainSettings, changed

BASELINE = "baseline"


class StudyInvalid(ValueError):
    """What was asked for cannot be studied; the message says why, and what can be."""


@dataclass(frozen=True)
class Variant:
    name: str
    changes: Mapping[str, Any] = field(default_factory=dict)  # dotted setting -> value

    def settings(self, base: TrainSettings) -> TrainSettings:
        """With the model written out, so that `model.fusion.kind` has something to change."""
        plain = base.model_dump(mode="json") | {"model": base.model_settings().model_dump(mode="json")}
        return TrainSettings.model_validate(changed(plain, self.changes))

    def planned(self, base: TrainSettings) -> TrainSettings:
        """The same, or a sentence that names the variant."""
        try:
            return self.settings(base)
        except ValidationError as error:
            reasons = [
                f"{'.'.join(map(str, one['loc']))} {one['msg'].removeprefix('Value error, ')}".strip()
                for one in error.errors()
            ]
            raise StudyInvalid(f"{self.name} is not possible: {'; '.join(reasons)}") from error


def sweep(assignments: Sequence[str]) -> list[Variant]:
    """`loss.lip_sync=0.05,0.1` and the like -> every combination of the values, each a variant."""
    axes = [_axis(text) for text in assignments]
    return [
        Variant(", ".join(f"{name}={text}" for name, text, _ in chosen), {name: value for name, _, value in chosen})
        for chosen in itertools.product(*axes)
    ]


def _axis(text: str) -> list[tuple[str, str, Any]]:
    """The setting's name, and each value as it was written and as what it means."""
    name, equals, values = text.partition("=")
    listed = [value.strip() for value in values.split(",") if value.strip()]
    if not (name.strip() and equals and listed):
        raise StudyInvalid(f"{text!r} sets nothing: write a setting and its values, as loss.lip_sync=0.05,0.1,0.2")
    return [(name.strip(), value, yaml.safe_load(value)) for value in listed]
