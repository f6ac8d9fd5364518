"""Measures every backend this machine can run, side by side, on the probe chunk."""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median

from model_src.models import MultimodalModel
from model_src.serving.backends import BOUNDS, Backend, make_encoders, usable
from model_src.serving.logs import logger
from model_src.serving.parity import Probabilities, difference, probabilities, probe_chunk
from model_src.serving.plan import Measured, Plan
from model_src.serving.predictor import Predictor

ROUNDS = 3  # after one that warms up


def measure_backends(model: MultimodalModel, folder: Path, member: int = 1) -> Plan:
    """In turns, so that whatever else the machine is doing slows all of them alike."""
    predictors = started(model, folder, member)
    chunk = probe_chunk()
    scores: dict[Backend, Probabilities] = {}
    times: dict[Backend, list[float]] = {backend: [] for backend in predictors}
    for _ in range(1 + ROUNDS):
        for backend, predictor in predictors.items():
            began = time.perf_counter()
            scores[backend] = probabilities(predictor.score_chunk(chunk))
            times[backend].append(time.perf_counter() - began)
    measured = []
    for backend in predictors:
        found = difference(scores[backend], scores["torch"])
        measured.append(
            Measured(
                backend=backend,
                milliseconds=round(median(times[backend][1:]) * 1000, 1),
                difference=found.largest,
                same_class=found.same_class,
                bound=BOUNDS[backend],
            )
        )
    measured.sort(key=lambda found: found.milliseconds)
    return Plan(reference=scores["torch"], measured=measured)


def started(model: MultimodalModel, folder: Path, member: int) -> dict[Backend, Predictor]:
    """A predictor for each backend. One that cannot run this model's graphs is left out, and the log says why."""
    predictors: dict[Backend, Predictor] = {}
    for backend in usable():
        try:
            encoders = make_encoders(backend, model, folder, member)
        except Exception as error:  # noqa: BLE001 - each library has errors of its own, and we can do without it
            logger.warning("backend left out", extra={"backend": backend, "reason": str(error)})
        else:
            predictors[backend] = Predictor(model, model_version="probe", trained=False, encoders=[encoders])
    return predictors
