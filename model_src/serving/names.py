"""What the files of an ensemble's members are called."""

from __future__ import annotations

from pathlib import Path


def of_member(name: str, member: int) -> str:
    """`frames.onnx` of the first, and only, model; `frames-2.onnx` of an ensemble's second."""
    path = Path(name)
    return name if member == 1 else f"{path.stem}-{member}{path.suffix}"
