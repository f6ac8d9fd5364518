"""One labelled video of a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from model_src.redaction import STEERING

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")


def _is_no_boolean(label: object) -> object:
    """Python takes true for 1, and nobody knows what it was to be true of."""
    if isinstance(label, bool):
        raise ValueError("a label is 0 (real) or 1 (fake), not true or false")
    return label


Label = Annotated[Literal[0, 1], BeforeValidator(_is_no_boolean)]  # 0 real, 1 fake


def _is_printed(name: str) -> str:
    if STEERING.search(name):
        raise ValueError(f"{name!r} is no name: it holds characters that cannot be printed")
    return name


def _is_plain_name(name: str) -> str:
    """An id becomes the name of a folder: it stays inside the folder it is put into."""
    if not name or name.startswith(".") or any(c in name for c in "/\\"):
        raise ValueError(f"{name!r} is no name for a video: it must be the name of a folder, without slashes")
    return name


Printed = Annotated[str, AfterValidator(_is_printed)]


class Video(BaseModel):
    """A video, what is known of it, and which part of the dataset it belongs to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    video_id: Annotated[Printed, AfterValidator(_is_plain_name)]
    label: Label
    split: Split
    path: Path
    identities: tuple[Printed, ...] = Field(
        (), description="who is in it: the person shown and, in a fake, the face's owner"
    )
    source: Printed = Field("unknown", description="the dataset it comes from")
    method: Printed = Field("", description="how the fake was made; 'real' for a real one")
    video_label: Label | None = Field(None, description="is the picture faked? the label where nobody knows better")
    audio_label: Label | None = Field(None, description="is the sound faked? the label where nobody knows better")

    @model_validator(mode="after")
    def _real_has_no_fake_part(self) -> Self:
        if self.label == 0 and 1 in (self.video_label, self.audio_label):
            raise ValueError(f"{self.video_id} is labelled real, but its picture or sound fake")
        return self

    @property
    def people(self) -> tuple[str, ...]:
        """Whom it shows; a video of which nothing is known counts as a person of its own."""
        return self.identities or (f"video:{self.video_id}",)
