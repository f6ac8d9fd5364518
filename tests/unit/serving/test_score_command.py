"""`aura score` on a folder: one line per file, whatever is in the files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from infra.cli import app
from infra.cli.sample import sample_clip
from model_src.preprocess.chunk import Chunk
from model_src.serving import choose_source, logs
from model_src.serving.default import DEFAULT_MODEL
from model_src.serving.predictor import Predictor
from model_src.verdict.scores import ChunkScores
from tests.unit.serving.models import small_model

Asked = list[tuple[str | None, str | None]]


class Delicate(Predictor):
    """Breaks on the first chunk it gets, and only on that."""

    broken = False

    def score_chunk(self, chunk: Chunk) -> ChunkScores:
        if not self.broken:
            self.broken = True
            raise MemoryError
        return super().score_chunk(chunk)


class Source:
    def load(self) -> Predictor:
        return Delicate(small_model(), model_version="default-1", trained=True)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """Which model was asked for, in place of loading it."""
    found: Asked = []

    def choose(model_dir: str | None, untrained: str | None, cache_dir: str) -> Source:
        found.append((model_dir, untrained))
        return Source()

    monkeypatch.setattr(choose_source, "choose_source", choose)
    monkeypatch.setattr(logs, "log_to_stderr", lambda: None)
    monkeypatch.delenv("AURA_MODEL_DIR", raising=False)
    return found


def score(*arguments: str | Path) -> list[dict[str, Any]]:
    result = CliRunner().invoke(app, ["score", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_folder_gives_one_json_line_per_video_and_a_damaged_one_stops_nothing(tmp_path: Path, asked: Asked) -> None:
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "note.txt").write_text("no video")
    (tmp_path / "a-empty.mp4").write_bytes(b"")
    whole = sample_clip(tmp_path / "c-whole.mp4")
    (tmp_path / "b-breaks-the-model.mp4").write_bytes(whole.read_bytes())
    (tmp_path / "d-cut.mp4").write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    empty, breaks, fine, cut = score(tmp_path)
    codes = [line["error"]["code"] for line in (empty, breaks, cut)]
    assert codes == ["corrupt_video", "internal_error", "corrupt_video"]
    assert breaks["error"]["message"] == "MemoryError"
    assert fine["file"] == str(whole)
    assert (fine["error"], fine["model_version"], fine["trained"]) == (None, "default-1", True)
    assert 0 <= fine["fake"] <= 1
    assert fine["class"] in {"real", "fake", "uncertain"}


def test_the_model_that_comes_with_the_code_scores_unless_another_is_asked_for(
    tmp_path: Path, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert score(tmp_path) == []
    score(tmp_path, "--model-dir", tmp_path)
    score(tmp_path, "--untrained", "compact")
    monkeypatch.setenv("AURA_MODEL_DIR", str(tmp_path))
    score(tmp_path)
    score(tmp_path, "--untrained", "compact")
    assert asked == [
        (str(DEFAULT_MODEL), None),
        (str(tmp_path), None),
        (None, "compact"),
        (str(tmp_path), None),
        (None, "compact"),
    ]
