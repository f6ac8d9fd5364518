"""Several models asked together: their mean decides, and what each said is kept."""

from __future__ import annotations

import tarfile
from pathlib import Path
from statistics import fmean

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from model_src.models import Ensemble, MultimodalModel, save_checkpoint
from model_src.models.heads import FAKE
from model_src.serving import measure, model_directory
from model_src.serving.errors import ModelUnavailable
from model_src.serving.manifest import MANIFEST, read_verified
from model_src.serving.model_directory import ModelDirectory, read_models
from model_src.serving.predictor import Predictor
from model_src.verdict.aggregate import aggregate
from model_src.verdict.calibrate import calibrate
from model_src.verdict.scores import Calibration
from tests.unit.serving.chunks import make_chunk
from tests.unit.serving.models import small_model
from tests.unit.serving.test_package import edit
from tests.unit.serving.test_package_command import app

CHUNK = make_chunk(2)


def sigmoid(logit: float | None) -> float:
    assert logit is not None
    return float(1 / (1 + np.exp(-logit)))


def leaning(seed: int, logit: float) -> MultimodalModel:
    """A model that is for or against."""
    model = small_model(seed)
    with torch.no_grad():
        model.fused_head.output.bias[FAKE] += logit
    return model


@pytest.fixture(scope="module")
def models() -> list[MultimodalModel]:
    return [leaning(1, -1.0), leaning(2, 0.5), leaning(3, 2.0)]


def predictor(model: MultimodalModel | Ensemble) -> Predictor:
    return Predictor(model, model_version="test", trained=False)


def test_an_ensembles_answer_is_its_members_mean_and_keeps_what_each_said(models: list[MultimodalModel]) -> None:
    alone = [predictor(model).score_chunk(CHUNK) for model in models]
    together = predictor(Ensemble(models)).score_chunk(CHUNK)
    for place, window in enumerate(together.windows):
        each = [scores.windows[place] for scores in alone]
        assert window.members == pytest.approx([member.logit for member in each], abs=1e-5)
        assert sigmoid(window.logit) == pytest.approx(fmean(sigmoid(member.logit) for member in each), abs=1e-5)
        assert sigmoid(window.video_logit) == pytest.approx(fmean(sigmoid(m.video_logit) for m in each), abs=1e-5)
        assert window.lip_sync == pytest.approx(fmean(member.lip_sync or 0 for member in each), abs=1e-5)
        assert window.passes == pytest.approx([each[n % 3].passes[n] for n in range(10)], abs=1e-5)
    for place, frame in enumerate(together.frames):
        mean = fmean(sigmoid(scores.frames[place].logit) for scores in alone)
        assert sigmoid(frame.logit) == pytest.approx(mean, abs=1e-5)
    assert max(together.frames, key=lambda frame: frame.logit).saliency is not None


def test_the_verdict_tells_what_each_model_would_have_said_and_doubts_where_they_disagree(
    models: list[MultimodalModel],
) -> None:
    one, three = (
        calibrate(aggregate([predictor(model).score_chunk(CHUNK)], duration=2))
        for model in (models[1], Ensemble(models))
    )
    assert one.model_confidences == []
    assert len(three.model_confidences) == 3
    assert three.model_confidences == sorted(three.model_confidences)  # as they lean
    assert one.uncertainty_score is not None
    assert three.uncertainty_score is not None
    assert three.uncertainty_score > one.uncertainty_score


def test_an_ensemble_of_one_says_what_its_model_says(models: list[MultimodalModel]) -> None:
    assert predictor(Ensemble(models[:1])).score_chunk(CHUNK) == predictor(models[0]).score_chunk(CHUNK)


def test_models_that_take_different_input_cannot_be_asked_together() -> None:
    with pytest.raises(ValueError, match="same input"):
        predictor(Ensemble([small_model(), small_model(channels=5)]))


def test_several_checkpoints_become_one_archive_in_which_every_member_is_vouched_for(
    models: list[MultimodalModel], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (measure, model_directory):
        monkeypatch.setattr(module, "usable", lambda: ["torch", "onnxruntime"])  # two are enough to choose from
    paths = [tmp_path / f"{name}.pth" for name in ("a", "b")]
    for path, model in zip(paths, models, strict=False):
        save_checkpoint(path, model, epoch=1, metrics={})
    archive = tmp_path / "model.tar.gz"
    result = CliRunner().invoke(app, [*map(str, paths), "--output", str(archive)])
    assert result.exit_code == 0, result.output
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path / "model", filter="data")
    folder = tmp_path / "model"

    manifest = read_verified(folder)
    assert (manifest.model_version, manifest.members, len(manifest.plans)) == ("a+b", 2, 2)
    expected = {"model-2.safetensors", "frames-2.onnx", "sound-2.onnx", "model.safetensors", "frames.onnx"}
    assert expected < manifest.files.keys()
    served = ModelDirectory(folder).load()
    assert len(read_models(folder)) == 2  # to be packaged again, with a calibration
    ours, reference = served.score_chunk(CHUNK), predictor(Ensemble(models[:2])).score_chunk(CHUNK)
    for window, other in zip(ours.windows, reference.windows, strict=True):
        assert sigmoid(window.logit) == pytest.approx(sigmoid(other.logit), abs=2e-2)

    def shift_the_second(manifest: dict[str, list[dict[str, list[float]]]]) -> None:
        manifest["plans"][1]["reference"] = [value + 0.03 for value in manifest["plans"][1]["reference"]]

    edit(folder, shift_the_second)
    with pytest.raises(ModelUnavailable, match="does not score here as it did"):
        ModelDirectory(folder).load()
    edit(folder, lambda manifest: manifest["files"].pop("model-2.safetensors"))
    with pytest.raises(ModelUnavailable, match=f"{MANIFEST} does not list model-2.safetensors"):
        ModelDirectory(folder).load()


def test_a_calibration_counts_for_the_whole_ensemble(models: list[MultimodalModel]) -> None:
    scaled = Calibration(method="temperature", scale=0.5)
    scores = Predictor(Ensemble(models), model_version="t", trained=False, calibration=scaled).score_chunk(CHUNK)
    assert scores.calibration == scaled
