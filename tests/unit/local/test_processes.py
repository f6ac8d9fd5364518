"""The parts of the embedded stack start in a clean environment and are stopped for certain."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from infra.local.processes import Process, StartFailed, clean_environment, free_port
from tests.waiting import wait_for

# A module that answers over HTTP; `deaf` ignores being asked to stop.
SERVER = """
import http.server, signal, sys
if "deaf" in sys.argv: signal.signal(signal.SIGTERM, signal.SIG_IGN)
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header("Content-Length", "0"); self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Answer).serve_forever()
"""


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "tiny_server.py").write_text(SERVER)
    return tmp_path


def process(folder: Path, *flags: str, port: int | None = None) -> Process:
    port = port or free_port()
    url = f"http://127.0.0.1:{port}/"
    return Process("tiny", ["tiny_server", str(port), *flags], url, folder / "tiny.log", {"PYTHONPATH": str(folder)})


def test_no_variable_of_the_person_at_the_keyboard_reaches_a_function(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOBS_TABLE", "mine")
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "real")
    environment = clean_environment()
    assert not {"JOBS_TABLE", "AWS_PROFILE"} & set(environment)
    assert environment["AWS_SECRET_ACCESS_KEY"] == "test"


def test_a_process_is_ready_when_it_answers_and_gone_when_stopped(server: Path) -> None:
    tiny = process(server)
    tiny.start()
    tiny.wait_until_ready(20)
    assert tiny.running
    tiny.stop()
    assert not tiny.running


def test_one_that_will_not_stop_is_made_to(server: Path) -> None:
    tiny = process(server, "deaf")
    tiny.start()
    tiny.wait_until_ready(20)
    start = time.monotonic()
    tiny.stop(seconds=0.5)
    assert time.monotonic() - start < 5


def test_one_that_cannot_start_says_why(server: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        tiny = process(server, port=taken.getsockname()[1])
        tiny.ready_url = f"http://127.0.0.1:{free_port()}/"
        tiny.start()
        with pytest.raises(StartFailed, match="Address already in use"):
            tiny.wait_until_ready(20)


def test_a_wanted_port_is_kept_while_it_is_free_and_given_up_when_it_is_not() -> None:
    port = free_port()
    assert free_port(port) == port
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        assert free_port(port) != port


PARENT = """
import fcntl, sys, time
from pathlib import Path
from infra.local.processes import Process
folder, port = Path(sys.argv[1]), sys.argv[2]
lock = (folder / "lock").open("w")
fcntl.flock(lock, fcntl.LOCK_EX)
url = f"http://127.0.0.1:{port}/"
tiny = Process("tiny", ["tiny_server", port, *sys.argv[3:]], url, folder / "tiny.log", {"PYTHONPATH": str(folder)})
tiny.start((lock.fileno(),))
tiny.wait_until_ready(20)
print(tiny.child.pid, flush=True)
time.sleep(60)
"""


def killed_parent(server: Path, *flags: str) -> int:
    """The process that was started by one that was killed."""
    command = [sys.executable, "-c", PARENT, str(server), str(free_port()), *flags]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.kill()
    parent.communicate()
    return child


def is_locked(path: Path) -> bool:
    with path.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_when_whoever_started_it_is_killed_it_stops_and_lets_go_of_the_folder(server: Path) -> None:
    killed_parent(server)
    wait_for(lambda: not is_locked(server / "lock"))


def test_as_long_as_one_part_is_at_work_the_folder_stays_locked(server: Path) -> None:
    """Else a second stack would start there, and the last to save would undo what the other had done."""
    child = killed_parent(server, "deaf")
    try:
        assert is_locked(server / "lock")
    finally:
        os.kill(child, signal.SIGKILL)
    wait_for(lambda: not is_locked(server / "lock"))
