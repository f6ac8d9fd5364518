"""The inference image carries all that its server imports, and no weights."""

from __future__ import annotations

from pathlib import Path

from tests.unit.house.carried import libraries, run
from tests.unit.house.requirements import HOUSE, required
from tests.unit.house.test_carried import copied_by

FOLDER = HOUSE / "containers" / "inference"


def test_the_server_loads_its_model_with_what_the_image_carries(tmp_path: Path) -> None:
    image = copied_by(FOLDER / "Dockerfile", tmp_path / "image")
    code = (
        "import model_src.serving.server\n"
        "from model_src.serving.backends import usable\n"
        "from model_src.serving.load import choose_source\n"
        "print(choose_source(None, 'compact').load().model_version, *usable()[:3])\n"
    )

    found = run(code, image, libraries(tmp_path / "libraries", required(FOLDER / "requirements.txt")))

    assert found.returncode == 0, found.stderr
    assert found.stdout.split() == ["compact-untrained", "torch", "onnxruntime", "openvino"]
