"""What can go wrong between a chunk and its scores, told in words that may leave the house."""

from __future__ import annotations


class ModelUnavailable(Exception):
    """The model cannot be loaded. The message says which variable or option to set, or which file is wrong."""


class InferenceFailed(Exception):
    """The model ran and its result cannot be used."""


class ImageRejected(Exception):
    """The picture cannot be analysed: a code and a sentence for whoever sent it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
