"""`aura`, as typed by a newcomer: what is printed, what is saved, how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from functions.core.contracts import JobView
from infra.local.home import model_cache
from infra.local.stack import Addresses, EmbeddedStack, running_stack
from tests.waiting import wait_for


def aura(*arguments: str | Path, home: Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "infra.cli", *map(str, arguments)],
        env={**os.environ, "AURA_HOME": str(home), "AURA_CACHE_DIR": str(model_cache()), "COLUMNS": "120"},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=110,
    )


def test_analyze_uses_the_running_stack_and_saves_report_and_pictures(
    stack: EmbeddedStack, clip: Path, tmp_path: Path
) -> None:
    done = aura("analyze", clip, home=stack.home, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "not trained" not in done.stdout  # what comes with the code is a trained model
    [report] = tmp_path.glob("out/*/report.json")
    job = JobView.model_validate_json(report.read_text())
    assert job.prediction is not None
    pictures = sorted(report.parent.glob("frame_*.png"))
    assert len(pictures) == len(job.prediction.anomalous_frames)
    assert Image.open(pictures[0]).size == (640, 480)


def test_analyze_of_a_broken_file_says_why_and_fails(stack: EmbeddedStack, tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"nothing like a video" * 100)
    done = aura("analyze", broken, home=stack.home, cwd=tmp_path)
    assert done.returncode == 1
    assert "not analysed" in done.stdout


def test_score_prints_one_json_line_per_file_whatever_the_file(clip: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"nothing like a video" * 100)
    missing = tmp_path / "missing.mp4"
    done = aura("score", clip, broken, missing, "--json-lines", home=tmp_path, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    scored, refused, absent = [json.loads(line) for line in done.stdout.splitlines()]
    assert {"file", "fake", "class", "error", "model_version", "trained"} <= set(scored)
    assert 0 <= scored["fake"] <= 1
    assert scored["error"] is None
    assert scored["trained"] is True
    assert refused["fake"] is None
    assert refused["error"]["code"] in ("corrupt_video", "unsupported_container")
    assert absent["error"] is not None


def test_score_and_the_whole_product_agree(stack: EmbeddedStack, clip: Path, tmp_path: Path) -> None:
    here = json.loads(aura("score", clip, "--json-lines", home=tmp_path, cwd=tmp_path).stdout)
    aura("analyze", clip, home=stack.home, cwd=tmp_path)
    [report] = tmp_path.glob("out/*/report.json")
    there = JobView.model_validate_json(report.read_text()).prediction
    assert there is not None
    assert here["fake"] == pytest.approx(there.manipulation_confidence, abs=5e-3)  # the stack may serve in bf16
    assert here["class"] == there.overall_class


def test_probe_says_what_validate_would_say(clip: Path, tmp_path: Path) -> None:
    done = aura("probe", clip, home=tmp_path, cwd=tmp_path)
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["accepted"]) == (0, True)
    assert (answer["video"]["width"], answer["video"]["height"]) == (640, 480)


@pytest.mark.slow
def test_up_prints_its_addresses_and_ctrl_c_leaves_nothing_behind(tmp_path: Path) -> None:
    home = tmp_path / "home"
    child = subprocess.Popen(
        [sys.executable, "-m", "infra.cli", "up"],
        env={**os.environ, "AURA_HOME": str(home), "COLUMNS": "200"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        found = wait_for(lambda: child.poll() is not None or running_stack(home), 90, every=0.2)
        assert isinstance(found, Addresses), "`aura up` ended by itself"
        ports = (home / "ports.json").read_text()
        second = aura("up", home=home, cwd=tmp_path)
        assert second.returncode == 1
        assert "running already" in second.stderr
        assert (home / "ports.json").read_text() == ports, "or the next start would break the links given out"
    finally:
        child.send_signal(signal.SIGINT)
    output, _ = child.communicate(timeout=60)
    assert child.returncode == 0, output
    assert found.api_url in output
    assert running_stack(home) is None
