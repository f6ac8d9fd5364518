"""Where the embedded stack keeps its state, and the models that were exported for this machine."""

from __future__ import annotations

import os
from pathlib import Path

DEFAULT = Path(".aura")


def stack_home() -> Path:
    """The state folder: AURA_HOME, or .aura in the current folder."""
    return Path(os.environ.get("AURA_HOME") or DEFAULT)


def model_cache() -> Path:
    """Shared by every stack of this folder: exporting a model takes a while and is the same for all of them."""
    return Path(os.environ.get("AURA_CACHE_DIR") or DEFAULT / "models").resolve()


def make_private(home: Path) -> None:
    """Videos lie in it. A folder of another name was chosen by someone: if it is there already, it keeps its rights."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    if home.name == DEFAULT.name:
        home.chmod(0o700)  # the exported models may have been its first guests
