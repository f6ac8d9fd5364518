"""Sentences that a machine reads aloud, beside people's recordings, on a list that every command reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from infra.cli import app
from model_src.data.fakes import speak as speaking
from model_src.data.fakes.speak import SENTENCES, EngineMissing, speak
from model_src.data.manifest import LIST, read_manifest, write_manifest
from model_src.data.recording import samples_of
from tests.unit.data.test_revoice import recording


def test_every_sentence_is_a_recording_that_is_known_as_made_beside_the_real_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def voice(sentence: str) -> tuple[NDArray[np.int16], int]:
        asked.append(sentence)
        return np.full(24_000, 1000, np.int16), 24_000  # a second, at a rate of its own

    monkeypatch.setitem(speaking.ENGINES, "hibari", lambda: voice)
    real = recording(tmp_path / "anna.wav")
    assert len(list(speak("hibari", 3, [real], tmp_path / "out"))) == 3
    listed = read_manifest(tmp_path / "out" / LIST)
    assert [(video.video_id, video.label, video.split) for video in listed] == [
        ("anna", 0, "val"),
        ("hibari_000", 1, "val"),
        ("hibari_001", 1, "val"),
        ("hibari_002", 1, "val"),
    ]
    assert all(abs(len(samples_of(video.path)) - 16_000) < 50 for video in listed[1:]), "heard as the product hears"
    assert len(set(asked)) == 3


def test_a_voice_nobody_knows_and_a_list_without_people_are_told(tmp_path: Path) -> None:
    unknown = CliRunner().invoke(app, ["speak", "--engine", "parrot", "--data-root", str(tmp_path)])
    assert (unknown.exit_code, "hibari" in unknown.output) == (2, True)
    video = recording(tmp_path / "anna.wav").model_copy(update={"path": tmp_path / "anna.mp4"})
    write_manifest(tmp_path / "list.json", [video])
    nobody = CliRunner().invoke(app, ["speak", "--engine", "hibari", "--manifest", str(tmp_path / "list.json")])
    assert (nobody.exit_code, "without a picture" in nobody.output) == (1, True)


def test_no_sentence_is_said_twice() -> None:
    assert len(set(SENTENCES)) == len(SENTENCES) == 512


def test_a_voice_that_is_not_installed_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: str) -> None:
        raise ImportError

    monkeypatch.setattr("importlib.import_module", missing)
    with pytest.raises(EngineMissing, match="pip install --no-deps piper-tts"):
        list(speak("piper", 1, [recording(tmp_path / "anna.wav")], tmp_path / "out"))
