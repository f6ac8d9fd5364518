"""Recordings and their copies through a vocoder, side by side on a list that every command reads."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
from typer.testing import CliRunner

from infra.cli import app
from model_src.data.fakes.revoice import revoice
from model_src.data.manifest import LIST, read_manifest
from model_src.data.recording import samples_of
from model_src.data.video import Video


def recording(path: Path, seconds: float = 1.5) -> Video:
    time = np.arange(int(seconds * 16_000)) / 16_000
    voice = sum(np.sin(2 * np.pi * 120 * n * time) / n for n in range(1, 20)) * (0.6 + 0.4 * np.sin(9 * time))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes((4000 * voice).astype("<i2").tobytes())
    return Video(video_id=path.stem, label=0, split="val", path=path, identities=("anna",), source="speech")


def test_every_recording_stands_beside_its_copy_of_the_same_length_and_loudness(tmp_path: Path) -> None:
    videos = [recording(tmp_path / "a.wav"), recording(tmp_path / "b.wav", 2.0)]
    assert len(list(revoice(videos, "griffin_lim", tmp_path / "out"))) == 2
    listed = {video.video_id: video for video in read_manifest(tmp_path / "out" / LIST)}
    assert {name: video.label for name, video in listed.items()} == {
        "a": 0, "b": 0, "a_griffin_lim": 1, "b_griffin_lim": 1,
    }  # fmt: skip
    for name in "ab":
        real, copy = samples_of(listed[name].path).astype(float), samples_of(listed[f"{name}_griffin_lim"].path)
        assert len(real) == len(copy)
        assert 0.8 < np.sqrt(np.mean(copy.astype(float) ** 2) / np.mean(real**2)) < 1.25
        assert np.abs(copy - real).mean() > 10, "a copy that changed nothing measures nothing"
        assert listed[name].identities == listed[f"{name}_griffin_lim"].identities


def test_several_lists_become_one_and_keep_who_is_who(tmp_path: Path) -> None:
    for name in ("one", "two"):
        list(revoice([recording(tmp_path / f"{name}.wav")], "source_filter", tmp_path / name))
    manifests = [str(tmp_path / name / LIST) for name in ("one", "two", "one")]
    arguments = [part for path in manifests for part in ("--manifest", path)]
    result = CliRunner().invoke(app, ["gather", *arguments, "--call", "test", "--out", str(tmp_path / "all.json")])
    assert result.exit_code == 0, result.output
    videos = read_manifest(tmp_path / "all.json")
    assert sorted(video.video_id for video in videos) == ["one", "one_source_filter", "two", "two_source_filter"]
    assert {video.split for video in videos} == {"test"}
    assert {video.identities for video in videos} == {("anna",)}
    assert all(video.path.is_file() for video in videos)


def test_a_vocoder_nobody_knows_is_named_with_those_there_are(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["revoice", "--vocoder", "kazoo", "--data-root", str(tmp_path)])
    assert result.exit_code == 2
    assert "griffin_lim" in result.output
