"""Every Lambda finds all it imports in what is deployed with it, and carries nothing heavier."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.unit.house.carried import libraries, run
from tests.unit.house.test_pins import required

HOUSE = Path(__file__).resolve().parents[3]
DOCKERFILE = (HOUSE / "containers" / "video" / "Dockerfile").read_text()

BROUGHT_BY_THE_RUNTIME = {"boto3"}
VIDEO = ("validate", "split", "explain")
ZIPPED = tuple(path.stem for path in sorted((HOUSE / "functions").glob("[a-z]*.py")) if path.stem not in VIDEO)


def imports(modules: tuple[str, ...]) -> str:
    """Import each module and print what came with it."""
    lines = [f"import functions.{name}" for name in modules]
    return "\n".join([*lines, "print(*{name.partition('.')[0] for name in sys.modules})"])


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


@pytest.fixture(scope="module")
def video_image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the Dockerfile copies into the image."""
    image = tmp_path_factory.mktemp("image")
    for copied in re.findall(r"^COPY (.+)$", DOCKERFILE, re.MULTILINE):
        *sources, target = copied.split()
        for source in sources:
            if (HOUSE / source).is_dir():
                shutil.copytree(HOUSE / source, image / target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                (image / target).mkdir(parents=True, exist_ok=True)
                shutil.copy(HOUSE / source, image / target)
    return image


def test_zip_functions_import_with_what_their_zip_carries(zip_function: Path, tmp_path: Path) -> None:
    folder = libraries(tmp_path / "libraries", required("functions.txt") | BROUGHT_BY_THE_RUNTIME)

    found = run(imports(ZIPPED), zip_function, folder)

    assert found.returncode == 0, found.stderr
    assert not {"av", "cv2", "numpy", "onnxruntime", "torch"} & set(found.stdout.split())


def test_a_zip_carries_the_functions_and_the_verdict_alone(zip_function: Path) -> None:
    assert {path.name for path in zip_function.iterdir()} == {"functions", "model_src"}
    assert {path.name for path in (zip_function / "model_src").iterdir()} == {"__init__.py", "verdict"}
    assert list(zip_function.rglob("__pycache__")) == []


def test_video_functions_import_with_what_their_image_carries(video_image: Path, tmp_path: Path) -> None:
    wanted = required("video.txt") | BROUGHT_BY_THE_RUNTIME
    folder = libraries(tmp_path / "libraries", wanted, alone=required("video-no-deps.txt"))

    found = run(imports(VIDEO), video_image, folder)

    assert found.returncode == 0, found.stderr
    assert not {"torch", "torchvision", "transformers"} & set(found.stdout.split())


def test_the_image_installs_the_requirements_that_are_tested_here() -> None:
    installed = set(re.findall(r"--requirement requirements/(\S+)", DOCKERFILE))
    assert installed == {"video.txt", "video-no-deps.txt"}
