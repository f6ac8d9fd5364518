"""A video that takes longer to read than a function may run is told so, and is no fault of ours."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from functions import split, validate
from functions.core import time_left
from functions.core.time_left import LAST_WORDS, reading_ends
from functions.core.transient import Transient
from functions.core.uploads import Upload
from infra.local.package import load_template
from tests.media import make_clip

# A reader that never stops saying that it is at work.
BUSY = r"""#!/bin/sh
printf 'S\000\000\000\000\000\000\000\000'
while sleep 0.05; do printf 'P\000\000\000\000\000\000\000\000' || exit; done
"""


@pytest.mark.parametrize("function", [validate, split])
def test_a_video_that_keeps_its_reader_busy_past_the_time_is_too_long(
    function: ModuleType,
    aws: SimpleNamespace,
    context: SimpleNamespace,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    video = make_clip(tmp_path / "clip.mp4", seconds=1.2, fps=10)
    version = aws.s3.put_object(Bucket="uploads", Key="users/ada/clip.mp4", Body=video.read_bytes())["VersionId"]
    upload = Upload(bucket="uploads", key="users/ada/clip.mp4", version=version, size=video.stat().st_size)
    job = aws.jobs.register(upload, 90)
    reader = tmp_path / "python"
    reader.write_text(BUSY)
    reader.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(reader))
    monkeypatch.setattr(time_left, "ENOUGH", 1.0)
    context.get_remaining_time_in_millis = lambda: 1000 * (LAST_WORDS + 2)

    begun = time.monotonic()
    answer: dict[str, Any] = function.handler({"job_id": job.job_id, "upload": upload.model_dump()}, context)

    assert time.monotonic() - begun < 20
    assert (answer["accepted"], answer["error"]["code"]) == (False, "too_long")
    assert answer["error"]["message"].endswith("fewer frames a second.")


def test_a_download_that_took_the_time_is_no_fault_of_the_video_and_is_tried_again(context: SimpleNamespace) -> None:
    context.get_remaining_time_in_millis = lambda: 1000 * (LAST_WORDS + 2)
    with pytest.raises(Transient, match="only 2 s are left"):
        reading_ends(context)


@pytest.mark.parametrize("name", ["ValidateFunction", "SplitFunction"])
def test_most_of_a_functions_time_is_for_reading(name: str) -> None:
    allowed = load_template()["Resources"][name]["Properties"]["Timeout"]
    left = SimpleNamespace(get_remaining_time_in_millis=lambda: 1000 * allowed)
    assert reading_ends(left) - time.monotonic() > 0.85 * allowed
