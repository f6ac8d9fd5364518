"""The inference image carries all that its server imports, and no weights."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from tests.unit.house.carried import libraries, run

HOUSE = Path(__file__).resolve().parents[3]
FOLDER = HOUSE / "containers" / "inference"


def copied_into(image: Path) -> None:
    """What the Dockerfile copies of the code."""
    for source in re.findall(r"^COPY (model_src/\S+) \S+$", (FOLDER / "Dockerfile").read_text(), re.MULTILINE):
        if (HOUSE / source).is_dir():
            shutil.copytree(HOUSE / source, image / source, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            (image / source).parent.mkdir(parents=True)
            shutil.copy(HOUSE / source, image / source)


def test_the_server_loads_its_model_with_what_the_image_carries(tmp_path: Path) -> None:
    wanted = [line for line in (FOLDER / "requirements.txt").read_text().split("\n") if re.match(r"\w", line)]
    image = tmp_path / "image"
    copied_into(image)
    code = (
        "import model_src.serving.server\n"
        "from model_src.serving.load import choose_source\n"
        "print(choose_source(None, 'compact').load().model_version)\n"
    )

    found = run(code, image, libraries(tmp_path / "libraries", wanted))

    assert found.returncode == 0, found.stderr
    assert found.stdout.split() == ["compact-untrained"]
