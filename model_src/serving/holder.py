"""Holds the model while it is loading, when it is there, and when it could not be loaded."""

from __future__ import annotations

import threading
from typing import Protocol

from model_src.serving.batching import BatchingScorer
from model_src.serving.errors import ModelUnavailable
from model_src.serving.logs import logger
from model_src.serving.on_gpu import is_lost
from model_src.serving.scorer import BatchScorer, Scorer


class ModelSource(Protocol):
    """Where the model comes from; its text names the place."""

    def exists(self) -> bool: ...
    def load(self) -> BatchScorer: ...


class ModelHolder:
    """Loads in the background, so that the server answers its health checks from the first moment."""

    def __init__(self, source: ModelSource, batch: int = 1) -> None:
        """`batch` is how many chunks of different requests may be scored together."""
        self.source = source
        self.batch = batch
        self.scorer: Scorer | None = None
        self.problem: str | None = None

    @property
    def reason(self) -> str:
        """Why there is no model to ask."""
        return self.problem or "The model is still loading."

    def give_up_if_lost(self, error: Exception) -> None:
        """The health checks say so from then on, and whoever runs the server replaces it."""
        if is_lost(error):
            self.scorer, self.problem = None, "The GPU has failed and takes no more work from this process."
            logger.critical("GPU lost", extra={"reason": str(error)})

    def start(self) -> None:
        threading.Thread(target=self._load, name="load-model", daemon=True).start()

    def _load(self) -> None:
        try:
            scorer = self.source.load()
            self.scorer = BatchingScorer(scorer, self.batch) if self.batch > 1 else scorer
        except ModelUnavailable as error:
            self.problem = str(error)
            logger.error("model unavailable", extra={"reason": self.problem})
        except Exception as error:  # noqa: BLE001 - the server stays up whatever broke
            # The log gets it in full; the outside learns only what kind of fault it was.
            self.problem = f"The model could not be loaded ({type(error).__name__}); the log says more."
            logger.exception("model unavailable")
        else:
            logger.info("model ready", extra={"model_version": self.scorer.model_version, "source": str(self.source)})
