"""The emulator serves this machine; a web page that its user happens to look at gets nothing out of it, or into it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from infra.local.home import make_private
from infra.local.stack import EmbeddedStack

ELSEWHERE = {"Origin": "https://evil.example"}
VIDEO = "/uploads/users/ada/clip.mp4"


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """As the stack starts it, with one video in it."""
    stack = EmbeddedStack(tmp_path_factory.mktemp("aura"))
    stack.temporary.mkdir(parents=True)
    stack.emulator.start()
    try:
        stack.emulator.wait_until_ready(60)
        with httpx.Client(base_url=stack.aws_url, trust_env=False) as client:
            client.put("/uploads")
            client.put(VIDEO, content=b"a face")
            yield client
    finally:
        stack.emulator.stop()


def test_a_web_page_of_elsewhere_reads_no_video(emulator: httpx.Client) -> None:
    answer = emulator.get(VIDEO, headers=ELSEWHERE)
    assert answer.status_code == 403
    assert b"face" not in answer.content
    assert "access-control-allow-origin" not in answer.headers


def test_nor_does_one_whose_name_was_pointed_at_this_machine(emulator: httpx.Client) -> None:
    host = f"rebound.evil.example:{emulator.base_url.port}"
    assert emulator.get(VIDEO, headers={"Host": host}).status_code == 403


def test_a_web_page_of_elsewhere_makes_and_runs_no_function(emulator: httpx.Client) -> None:
    allowed = emulator.options("/2015-03-31/functions", headers=ELSEWHERE | {"Access-Control-Request-Method": "POST"})
    assert allowed.status_code == 403
    plain = ELSEWHERE | {"Content-Type": "text/plain"}  # asked for without a preflight
    assert emulator.post("/2015-03-31/functions", content=json.dumps({}), headers=plain).status_code == 403
    picture = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}  # <img src="…">: no origin is told
    assert emulator.get("/?Action=ListTopics&Version=2010-03-31", headers=picture).status_code == 403
    assert emulator.post("/_ministack/reset", headers=plain).status_code == 403
    assert emulator.get(VIDEO).content == b"a face"


def test_a_page_of_this_machine_and_its_programs_are_answered(emulator: httpx.Client) -> None:
    page = {"Origin": "http://localhost:3000"}
    answer = emulator.get(VIDEO, headers=page)
    assert (answer.content, answer.headers["access-control-allow-origin"]) == (b"a face", "*")
    shown = {"Sec-Fetch-Site": "cross-site", "Referer": "http://localhost:3000/"}  # 127.0.0.1 is another site for it
    assert emulator.get(VIDEO, headers=shown).is_success
    assert emulator.get(VIDEO, headers={"Sec-Fetch-Site": "none"}).is_success  # a link from the terminal


def test_nobody_else_on_the_machine_reads_the_folder(tmp_path: Path) -> None:
    home = tmp_path / "new" / ".aura"
    make_private(home)
    assert home.stat().st_mode & 0o777 == 0o700
    home.chmod(0o755)  # the cache of models came first, or an older version
    make_private(home)
    assert home.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_was_there_under_another_name_keeps_its_rights(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir(mode=0o755)
    make_private(shared)
    assert shared.stat().st_mode & 0o777 == 0o755
