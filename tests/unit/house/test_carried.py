"""Everything that is deployed finds all it imports in what is deployed with it, and carries nothing heavier."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.house import HOUSE
from tests.media import talking_head
from tests.unit.house.carried import installed, libraries, run
from tests.unit.house.requirements import FUNCTIONS, required

BROUGHT_BY_THE_RUNTIME = {"boto3"}
VIDEO_FUNCTIONS = ("validate", "split", "explain")
ZIP_FUNCTIONS = tuple(
    path.stem for path in sorted((HOUSE / "functions").glob("[a-z]*.py")) if path.stem not in VIDEO_FUNCTIONS
)
SPLIT = """
from model_src.preprocess.split import split_video
print("windows", split_video({clip!r}, lambda chunk: None).windows)
"""


def imports(modules: Iterable[str]) -> str:
    """Code that imports each module and prints what came with it."""
    return "\n".join(
        [f"import {name}" for name in modules] + ["print(*{name.partition('.')[0] for name in sys.modules})"]
    )


def copied_by(dockerfile: Path, image: Path) -> Path:
    """Lay out what the Dockerfile copies from this repository into the image."""
    for copy in re.findall(r"^COPY ((?!--).+)$", dockerfile.read_text(), re.MULTILINE):
        *sources, target = copy.split()
        for source in sources:
            if (HOUSE / source).is_dir():
                shutil.copytree(HOUSE / source, image / target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                (image / target).mkdir(parents=True, exist_ok=True)
                shutil.copy(HOUSE / source, image / target)
    return image


@pytest.fixture(scope="module")
def zip_function(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `sam build` puts into a zip function; of the libraries it is told that they are built, and none are."""
    folder = tmp_path_factory.mktemp("zip")
    built = tmp_path_factory.mktemp("libraries")
    built.with_suffix(".ready").touch()
    subprocess.run(
        ["make", "build-RegisterFunction", f"ARTIFACTS_DIR={folder}", f"LIBRARIES={built}"], cwd=HOUSE, check=True
    )
    return folder


def test_zip_functions_import_with_what_their_zip_carries(zip_function: Path, tmp_path: Path) -> None:
    folder = libraries(tmp_path / "libraries", required(FUNCTIONS) | BROUGHT_BY_THE_RUNTIME)

    found = run(imports(f"functions.{name}" for name in ZIP_FUNCTIONS), zip_function, folder)

    assert found.returncode == 0, found.stderr
    assert not {"av", "cv2", "numpy", "onnxruntime", "torch"} & set(found.stdout.split())


def test_a_zip_carries_the_functions_and_the_verdict_alone(zip_function: Path) -> None:
    assert {path.name for path in zip_function.iterdir()} == {"functions", "model_src"}
    assert {path.name for path in (zip_function / "model_src").iterdir()} == {"__init__.py", "redaction.py", "verdict"}
    assert list(zip_function.rglob("__pycache__")) == []


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_video_image_works_with_nothing_but_what_it_installs(tmp_path: Path) -> None:
    """An empty environment, the Dockerfile's own pip lines and copies, and then a real video."""
    dockerfile = HOUSE / "containers" / "video" / "Dockerfile"
    image = copied_by(dockerfile, tmp_path / "image")
    python = installed(dockerfile, tmp_path / "venv", *BROUGHT_BY_THE_RUNTIME)

    clip = talking_head(tmp_path / "clip.mp4", seconds=2)
    # Most of preprocessing is imported in the child process that reads the video: all of it has to be there.
    steps = [f"model_src.preprocess.{path.stem}" for path in (image / "model_src" / "preprocess").glob("[a-z]*.py")]
    code = imports([f"functions.{name}" for name in VIDEO_FUNCTIONS] + steps) + SPLIT.format(clip=str(clip))
    found = subprocess.run(
        [python, "-c", f"import sys\n{code}"],
        cwd=image,
        env={"AWS_DEFAULT_REGION": "eu-central-1", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    assert "windows 4" in found.stdout
    assert not {"torch", "torchvision", "transformers"} & set(found.stdout.split())


def test_the_inference_server_imports_with_what_its_image_carries(tmp_path: Path) -> None:
    image = copied_by(HOUSE / "containers" / "inference" / "Dockerfile", tmp_path / "image")
    folder = libraries(tmp_path / "libraries", required(HOUSE / "containers" / "inference" / "requirements.txt"))

    found = run(imports(["model_src.serving.server", "model_src.serving.choose_source"]), image, folder)

    assert found.returncode == 0, found.stderr
    assert "torch" in found.stdout.split()
