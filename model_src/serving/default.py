"""Where the model lies that comes with the code: what is served on this machine unless another one is asked for."""

from __future__ import annotations

from pathlib import Path

DEFAULT_MODEL = Path(__file__).resolve().parents[1] / "default_model"
