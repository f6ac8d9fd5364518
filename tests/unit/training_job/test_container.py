"""The training image carries all that a job imports, from reading its order to packaging the model."""

from __future__ import annotations

from pathlib import Path

from tests.house import HOUSE
from tests.unit.house.carried import libraries, run
from tests.unit.house.requirements import required
from tests.unit.house.test_carried import copied_by

FOLDER = HOUSE / "containers" / "training"
CODE = """
import model_src.training_job.__main__
import onnx, onnxruntime, openvino, torch.utils.tensorboard  # imported only where they are used
from model_src.data.extract import extract_one  # splits in a child process
import model_src.preprocess.child
from model_src.models.weights import lite0_state
from model_src.serving.backends import usable
print(len(lite0_state()) > 0, *usable()[:3])
"""


def test_a_job_imports_with_what_its_image_carries(tmp_path: Path) -> None:
    image = copied_by(FOLDER / "Dockerfile", tmp_path / "image")
    named = required(FOLDER / "requirements.txt") | required(FOLDER / "no-deps.txt")
    found = run(CODE, image, libraries(tmp_path / "libraries", named))
    assert found.returncode == 0, found.stderr
    assert found.stdout.split() == ["True", "torch", "onnxruntime", "openvino"]
