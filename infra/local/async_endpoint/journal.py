"""The endpoint's queue on disk: one small file per accepted invocation, gone once its notice is out."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from pydantic import ValidationError

from infra.local.async_endpoint.invocation import Invocation
from model_src.write_whole import write_whole

logger = logging.getLogger(__name__)


class Journal:
    """Survives kill -9 at any point: a file is either completely there or not there at all.

    Whatever was begun and not finished is begun again after a restart, so an invocation is answered at least once.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def add(self, invocation: Invocation) -> None:
        with write_whole(self._path(invocation)) as unfinished, unfinished.open("w") as file:
            file.write(invocation.model_dump_json())
            file.flush()
            os.fsync(file.fileno())
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)  # the rename itself must survive too
        finally:
            os.close(folder)

    def remove(self, invocation: Invocation) -> None:
        self._path(invocation).unlink(missing_ok=True)

    def pending(self) -> list[Invocation]:
        """What still waits for its answer, oldest first. What cannot be read is set aside and holds up nobody."""
        found = []
        for path in self._folder.glob("*.json"):
            try:
                found.append(Invocation.model_validate_json(path.read_bytes()))
            except ValidationError as error:  # damaged, or of another version
                aside = path.rename(path.with_suffix(".unreadable"))
                logger.error("an invocation cannot be read and is set aside as %s: %s", aside, error)
        return sorted(found, key=lambda invocation: invocation.received_at)

    def _path(self, invocation: Invocation) -> Path:
        return self._folder / f"{invocation.request_id}.json"
