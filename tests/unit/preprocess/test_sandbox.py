"""Whatever happens to the child process, the parent goes on with an answer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from model_src.preprocess import sandbox
from model_src.preprocess.errors import SandboxFailed, VideoRejected
from model_src.preprocess.messages import HEAD, RESULT
from model_src.preprocess.probe import probe
from tests.media import make_clip

STARTED = r"printf 'S\000\000\000\000\000\000\000\000'"  # what the child says once it is loaded


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return make_clip(tmp_path / "clip.mp4", seconds=1.2, fps=10)


def instead_of_python(script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The child runs this shell script."""
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("kill -SEGV $$", "crashed the decoder (SIGSEGV)"),
        ("kill -KILL $$", "more time or memory"),
        ("kill -XCPU $$", "more time or memory"),
        ("exit 3", "without an answer"),
        ("head -c 200000 /dev/zero", "without sense"),
        ("printf 'R\\377\\377\\377\\377\\377\\377\\377\\177'", "without sense"),
        ("printf 'R\\001\\000'", "without an answer"),
    ],
)
def test_a_child_that_crashes_or_raves_is_a_corrupt_video(
    script: str, said: str, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    instead_of_python(f"{STARTED}; {script}", tmp_path, monkeypatch)
    with pytest.raises(VideoRejected) as caught:
        probe(clip)
    assert caught.value.code == "corrupt_video"
    assert said in caught.value.message


def test_a_child_that_hangs_is_stopped(clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    instead_of_python(f"echo $$ > {tmp_path}/pid; {STARTED}; exec sleep 60", tmp_path, monkeypatch)
    monkeypatch.setattr("model_src.preprocess.probe.BOUNDS", sandbox.Bounds(0.5, 5, 100))
    begun = time.monotonic()
    with pytest.raises(VideoRejected, match="did not get on"):
        probe(clip)
    assert time.monotonic() - begun < 5
    assert not Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}").exists()


def test_a_reader_without_end_is_stopped_when_its_callers_time_is_up(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_work = STARTED.replace("'S", "'P")
    instead_of_python(f"{STARTED}; while sleep 0.05; do {at_work} || exit; done", tmp_path, monkeypatch)
    with pytest.raises(VideoRejected, match=r"longer than the [12] s there are") as caught:
        probe(clip, until=time.monotonic() + 1.5)
    assert caught.value.code == "too_long"


def test_without_time_to_start_the_video_is_not_to_blame(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    instead_of_python("exec sleep 60", tmp_path, monkeypatch)
    with pytest.raises(SandboxFailed, match="did not start within 0 s"):
        probe(clip, until=time.monotonic() + 0.1)


def test_a_child_that_starts_slowly_says_nothing_about_the_video(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The libraries of a function that has just been deployed are fetched while they are loaded."""
    result = json.dumps({"codec": "h264"}).encode()
    answer = "".join(f"\\{byte:03o}" for byte in HEAD.pack(RESULT, len(result)) + result)
    instead_of_python(f"sleep 1; {STARTED}; printf '{answer}'", tmp_path, monkeypatch)
    with clip.open("rb") as file:
        messages = list(sandbox.run("probe", file.fileno(), {}, sandbox.Bounds(0.5, 5, 100)))
    assert messages == [(RESULT, result)]


@pytest.mark.parametrize("script", ["exec sleep 60", "exit 1", "kill -KILL $$"])
def test_a_child_that_never_starts_is_our_fault(
    script: str, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    instead_of_python(script, tmp_path, monkeypatch)
    monkeypatch.setattr(sandbox, "START_SECONDS", 0.5)
    with pytest.raises(SandboxFailed, match="did not start"):
        probe(clip)


def test_a_child_that_wants_too_much_memory_is_refused_it(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("model_src.preprocess.probe.BOUNDS", sandbox.Bounds(20, 5, 2))
    with pytest.raises(VideoRejected) as caught:
        probe(clip)
    assert caught.value.code == "corrupt_video"


def test_our_own_fault_is_not_blamed_on_the_video(clip: Path, tmp_path: Path) -> None:
    with clip.open("rb") as file, pytest.raises(SandboxFailed, match="no such task"):
        list(sandbox.run("dance", file.fileno(), {}, sandbox.Bounds(20, 5, 100)))


def test_the_child_gets_no_secret_and_no_name(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("SOME_TOKEN", "secret")
    given: dict[str, Any] = {}
    start = subprocess.Popen

    def watch(command: list[str], **options: Any) -> subprocess.Popen[bytes]:
        given.update(options, command=command)
        return start(command, **options)

    monkeypatch.setattr(subprocess, "Popen", watch)
    probe(clip)
    assert "secret" not in str(given["env"])
    assert clip.name not in str(given["command"])


# An ordinary process, even where the tests run as root: without the rights that let an administrator read everything.
ORDINARY = """
import ctypes, os, sys
for right in range(64):
    ctypes.CDLL(None).prctl(24, right, 0, 0, 0)  # PR_CAPBSET_DROP
os.execv(sys.executable, [sys.executable, "-c", *sys.argv[1:]])
"""
PARENT = """
import os, sys
from model_src.preprocess import sandbox
from model_src.preprocess.errors import VideoRejected
sys.executable = sys.argv[1]
try:
    list(sandbox.run("probe", os.open("/dev/null", os.O_RDONLY), {}, sandbox.Bounds(20, 5, 100)))
except VideoRejected:
    print("rejected", os.listdir("/proc/self/fd") != [])
"""


def test_a_child_that_the_file_took_over_reads_no_credentials_of_its_parent(tmp_path: Path) -> None:
    program, found = tmp_path / "python", tmp_path / "found"
    program.write_text(
        f"#!/bin/sh\n{STARTED}; cat /proc/$PPID/environ > {found}; head -c 9 /proc/$PPID/maps >> {found}\n"
    )
    program.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-c", ORDINARY, PARENT, str(program)],
        env={"AWS_SECRET_ACCESS_KEY": "secret", "PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["rejected", "True"]  # the parent itself goes on as before
    assert found.read_bytes() == b""


def test_a_child_leaves_nothing_behind(clip: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        probe(clip)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
