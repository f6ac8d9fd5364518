"""Writes a model that lives in the repository: small, without graphs, which every machine exports for itself."""

from __future__ import annotations

import tempfile
from pathlib import Path

from model_src.models import MultimodalModel, load_for_inference
from model_src.serving.backends import BOUNDS
from model_src.serving.manifest import Manifest, write_model_directory
from model_src.serving.parity import Probabilities, difference, probabilities, probe_chunk
from model_src.serving.predictor import Predictor
from model_src.verdict.scores import Calibration

CARD = "MODEL_CARD.md"
MAX_BYTES = 20_000_000  # of the whole directory: everybody who clones the repository downloads it
BOUND = BOUNDS["torch"]


class NotShippable(ValueError):
    """The model cannot live in the repository; the argument says why."""


def ship(folder: Path, model: MultimodalModel, *, model_version: str, calibration: Calibration, card: str) -> Manifest:
    """Weights, calibration, card and manifest. A model that is refused leaves the folder alone.

    The weights are stored in half precision where that gives the same answers.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".ship-") as temporary:
        made = Path(temporary)
        (made / CARD).write_text(card, encoding="utf-8")

        def written(half: bool) -> Manifest:
            return write_model_directory(
                made,
                model,
                model_version=model_version,
                trained=True,
                calibration=calibration,
                beside=[CARD],
                half=half,
            )

        manifest = written(half=True)
        if not same_answers(model, load_for_inference(made / manifest.weights[0])):
            manifest = written(half=False)
        check_size(made)
        folder.mkdir(exist_ok=True)
        for file in sorted(made.iterdir()):
            file.replace(folder / file.name)
    return manifest


def check_size(folder: Path) -> None:
    size = sum(file.stat().st_size for file in folder.iterdir())
    if size > MAX_BYTES:
        raise NotShippable(f"it takes {size / 1e6:.1f} MB, and at most {MAX_BYTES / 1e6:.0f} MB go into the repository")


def same_answers(exact: MultimodalModel, halved: MultimodalModel) -> bool:
    return difference(answers(halved), answers(exact)).within(BOUND)


def answers(model: MultimodalModel) -> Probabilities:
    return probabilities(Predictor(model, model_version="probe", trained=False).score_chunk(probe_chunk()))
