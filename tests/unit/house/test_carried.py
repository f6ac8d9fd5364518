"""Everything that is deployed finds all it imports in what is deployed with it, and carries nothing heavier."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.unit.house.carried import libraries, run
from tests.unit.house.requirements import FUNCTIONS, HOUSE, VIDEO, VIDEO_NO_DEPS, required

BROUGHT_BY_THE_RUNTIME = {"boto3"}
VIDEO_FUNCTIONS = ("validate", "split", "explain")
ZIP_FUNCTIONS = tuple(
    path.stem for path in sorted((HOUSE / "functions").glob("[a-z]*.py")) if path.stem not in VIDEO_FUNCTIONS
)


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


def test_video_functions_import_with_what_their_image_carries(tmp_path: Path) -> None:
    dockerfile = HOUSE / "containers" / "video" / "Dockerfile"
    image = copied_by(dockerfile, tmp_path / "image")
    folder = libraries(tmp_path / "libraries", required(VIDEO) | BROUGHT_BY_THE_RUNTIME, alone=required(VIDEO_NO_DEPS))

    handlers = [f"functions.{name}" for name in VIDEO_FUNCTIONS]
    # Most of preprocessing is imported in the child process that reads the video: all of it has to be there.
    steps = [f"model_src.preprocess.{path.stem}" for path in (image / "model_src" / "preprocess").glob("[a-z]*.py")]

    found = run(imports(handlers + steps), image, folder)

    assert found.returncode == 0, found.stderr
    assert not {"torch", "torchvision", "transformers"} & set(found.stdout.split())
    installed = set(re.findall(r"--requirement (\S+)", dockerfile.read_text()))
    assert installed == {"requirements/video.txt", "requirements/video-no-deps.txt"}


def test_the_inference_server_imports_with_what_its_image_carries(tmp_path: Path) -> None:
    image = copied_by(HOUSE / "containers" / "inference" / "Dockerfile", tmp_path / "image")
    folder = libraries(tmp_path / "libraries", required(HOUSE / "containers" / "inference" / "requirements.txt"))

    found = run(imports(["model_src.serving.server", "model_src.serving.load"]), image, folder)

    assert found.returncode == 0, found.stderr
    assert "torch" in found.stdout.split()
