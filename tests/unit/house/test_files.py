"""What a stranger who opens the repository must not find in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tests.house import HOUSE

FOLDERS = (".ci", "containers", "events", "functions", "infra", "model_src", "requirements", "tests")

SECRET = re.compile(
    r"(?:AKIA|ASIA)[A-Z0-9]{16}(?<!EXAMPLE)"  # access keys (AWS's own documentation key ends in EXAMPLE)
    r"|-----BEGIN [A-Z ]*PRIVATE KEY"
    r"|gh[pousr]_[A-Za-z0-9]{36}"
    r"|hf_[A-Za-z0-9]{30,}"
    r"|xox[abpr]-[A-Za-z0-9-]{10,}"
)
OWN_DOWNLOAD_ADDRESS = re.compile(r"\"resolved\"|--(?:extra-)?index-url|--find-links|^registry=", re.MULTILINE)


def files() -> Iterator[Path]:
    """Every file that belongs to the product."""
    yield from (path for path in HOUSE.iterdir() if path.is_file())
    for folder in FOLDERS:
        yield from (path for path in (HOUSE / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts)


def texts() -> Iterator[tuple[str, str]]:
    for path in files():
        if path.suffix not in {".mp4", ".npz", ".png", ".pyc", ".safetensors", ".wav"}:
            yield str(path.relative_to(HOUSE)), path.read_text(encoding="utf-8")


def test_handlers_stay_thin() -> None:
    long = {path.name: count for path in (HOUSE / "functions").glob("*.py") if (count := lines(path)) > 60}
    assert long == {}


def test_no_module_outgrows_one_reading() -> None:
    sources = [path for path in files() if path.suffix == ".py"]
    assert {str(path.relative_to(HOUSE)): count for path in sources if (count := lines(path)) > 400} == {}


def test_no_file_is_too_big_to_clone() -> None:
    assert [path.name for path in files() if path.stat().st_size > 20_000_000] == []


def test_no_secret_is_committed() -> None:
    assert [name for name, text in texts() if SECRET.search(text)] == []


def test_nothing_says_where_packages_are_downloaded_from() -> None:
    me = str(Path(__file__).relative_to(HOUSE))
    assert [name for name, text in texts() if name != me and OWN_DOWNLOAD_ADDRESS.search(text)] == []


def lines(path: Path) -> int:
    return len(path.read_text().splitlines())
