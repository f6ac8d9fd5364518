"""What can go wrong between a chunk and its scores, told in words that may leave the house."""

from __future__ import annotations


class ModelUnavailable(Exception):
    """The model cannot be loaded. The message says which variable or option to set, or which file is wrong."""


class InferenceFailed(Exception):
    """The model ran and its result cannot be used."""


class TooSlow(Exception):
    """The work was given up: it took longer than anybody should wait for."""
