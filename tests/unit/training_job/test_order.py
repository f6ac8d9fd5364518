"""A job that cannot be done is refused before it costs anything, with a sentence that says what to change."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from model_src.training.position import STOPPED
from model_src.training_job import __main__ as entry
from model_src.training_job.channels import find_channels
from model_src.training_job.cluster import Cluster, read_cluster
from model_src.training_job.failure import sentence, write_failure
from model_src.training_job.hyperparameters import settings_of
from model_src.training_job.places import JobInvalid, Places
from model_src.training_job.team import run_team
from tests.unit.training_job.tree import lay_out, tell


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "videos" / "train").mkdir(parents=True)
    return lay_out(tmp_path / "ml", tmp_path / "videos")


@pytest.fixture
def _signals_as_before() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def run(root: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(sys, "argv", ["train", "train", "--root", str(root)])
    return entry.main()


# --- what is told -----------------------------------------------------------------------------------------------------


def test_text_becomes_the_settings_that_it_means(root: Path) -> None:
    given = {"amp": "off", "optimizer.learning_rate": "1e-3", "stop.patience": "null", "pretrained": "false"}
    tell(root, "hyperparameters", given | {"sagemaker_region": "eu-central-1"})
    found = settings_of(Places(root))
    assert (found.amp, found.optimizer.learning_rate, found.stop.patience, found.pretrained) == (
        "off",
        1e-3,
        None,
        False,
    )
    assert found.keep.folder == root / "checkpoints"


def test_a_model_is_named_and_changed_in_one_order(root: Path) -> None:
    tell(root, "hyperparameters", {"model.lip_sync.enabled": "false", "model": "compact"})
    found = settings_of(Places(root)).model_settings()
    assert (found.name, found.lip_sync.enabled) == ("compact", False)


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"seed.high": "1", "seed": "2"}, "seed.high cannot be set: seed is 2, with no settings in it"),
        ({"epochs": "3"}, "epochs: Extra inputs"),
        ({"stop.epochs": "many"}, r"stop\.epochs: Input should be a valid integer"),
        ({"model": "huge"}, "no model is called 'huge'"),
    ],
)
def test_a_hyperparameter_that_means_nothing_is_named(root: Path, wrong: dict[str, str], complaint: str) -> None:
    tell(root, "hyperparameters", wrong)
    with pytest.raises(JobInvalid, match=complaint):
        settings_of(Places(root))


def test_a_channel_is_where_the_variable_says_or_else_where_sagemaker_puts_it(root: Path, tmp_path: Path) -> None:
    assert find_channels(Places(root), {}).videos == root / "input" / "data" / "training"
    said = find_channels(Places(root), {"SM_CHANNEL_TRAINING": str(tmp_path / "videos")})
    assert (said.videos, said.extracted, said.weights, said.in_service) == (tmp_path / "videos", None, None, None)


@pytest.mark.parametrize(
    ("told", "hosts", "complaint"),
    [
        ({}, 1, "no channel 'training'"),
        ({"training": {"TrainingInputMode": "Pipe"}}, 1, "choose File or FastFile"),
        ({"training": {"S3DistributionType": "ShardedByS3Key"}}, 2, "use FullyReplicated"),
        ({"training": {}, "extracted": {}}, 1, "channel 'extracted' is empty"),
    ],
)
def test_a_channel_that_cannot_be_learnt_from_is_refused(
    root: Path, told: dict[str, Any], hosts: int, complaint: str
) -> None:
    tell(root, "inputdataconfig", told)
    with pytest.raises(JobInvalid, match=complaint):
        find_channels(Places(root), {}, hosts)


def test_pretrained_encoders_come_by_their_channel(root: Path) -> None:
    weights = root / "input" / "data" / "weights"
    (weights / "audio").mkdir(parents=True)
    (weights / "video.safetensors").touch()
    tell(root, "inputdataconfig", {"training": {}, "weights": {}})
    assert find_channels(Places(root), {}).weight_variables() == {
        "AURA_VIDEO_WEIGHTS": str(weights / "video.safetensors"),
        "AURA_AUDIO_WEIGHTS": str(weights / "audio"),
    }


def test_the_model_in_service_comes_by_its_channel(root: Path) -> None:
    folder = root / "input" / "data" / "in_service"
    folder.mkdir()
    (folder / "model.tar.gz").touch()
    (folder / "model.tar.gz.sha256").touch()
    tell(root, "inputdataconfig", {"training": {}, "in_service": {}})
    assert find_channels(Places(root), {}).archive_in_service() == folder / "model.tar.gz"


def test_hosts_and_gpus_become_numbered_processes(root: Path) -> None:
    tell(root, "resourceconfig", {"current_host": "algo-2", "hosts": ["algo-2", "algo-1"]})
    cluster = read_cluster(Places(root), {"SM_NUM_GPUS": "4"})
    assert (cluster.hosts, cluster.size, cluster.leads) == (("algo-1", "algo-2"), 8, False)
    told = cluster.variables(local=1)
    assert (told["RANK"], told["LOCAL_RANK"], told["WORLD_SIZE"], told["MASTER_ADDR"]) == ("5", "1", "8", "algo-1")
    said = read_cluster(Places(root), {"SM_HOSTS": '["a", "b"]', "SM_CURRENT_HOST": "a", "SM_NUM_GPUS": "0"})
    assert said == Cluster(("a", "b"), "a", processes=1)


# --- several processes ------------------------------------------------------------------------------------------------

SPEAK = "import os; open(os.environ['RANK'], 'w').write(os.environ['WORLD_SIZE'])"
FAIL_OR_WAIT = "import os, sys, time; sys.exit(3) if os.environ['RANK'] == '1' else time.sleep(60)"
GO_WHEN_TOLD = (
    "import os, signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit(143)); "
    "os.kill(os.getppid(), signal.SIGTERM) if os.environ['RANK'] == '1' else None; time.sleep(60)"
)
TEAM = """
import sys
from model_src.training_job.cluster import Cluster
from model_src.training_job.team import run_team
sys.exit(run_team(Cluster(processes=2), [sys.executable, "-c", sys.argv[1]]))
"""


def test_every_process_of_a_host_knows_its_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_team(Cluster(processes=2), [sys.executable, "-c", SPEAK]) == 0
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"0": "2", "1": "2"}


def test_one_process_that_fails_ends_the_others() -> None:
    assert run_team(Cluster(processes=2), [sys.executable, "-c", FAIL_OR_WAIT]) == 3


def test_a_team_that_is_told_to_go_goes_together() -> None:
    """In a process of its own: the signal is real."""
    command = [sys.executable, "-c", TEAM, GO_WHEN_TOLD]
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": os.getcwd()}, timeout=60, check=False)  # noqa: PTH109
    assert done.returncode == STOPPED


# --- what is said when it fails ---------------------------------------------------------------------------------------


@pytest.mark.usefixtures("_signals_as_before")
def test_a_broken_channel_ends_the_job_with_a_sentence(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "input" / "data" / "training" / "manifest.csv").write_text("video_id,label,split,path\na,7,train,a.mp4\n")
    assert run(root, monkeypatch) == 1
    said = (root / "output" / "failure").read_text()
    assert "entry 1: label" in said
    assert "Traceback" not in said
    assert "\n" not in said


@pytest.mark.usefixtures("_signals_as_before")
def test_the_failure_of_an_earlier_attempt_is_not_told_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_failure(Places(root), "An old story.")
    tell(root, "inputdataconfig", {})
    assert run(root, monkeypatch) == 1
    assert "no channel 'training'" in (root / "output" / "failure").read_text()


def test_what_nobody_foresaw_is_one_sentence_too_and_short_enough() -> None:
    try:
        dict[str, int]()["missing"]
    except KeyError as error:
        said = sentence(error)
    assert said.startswith("The job failed unexpectedly in test_what_nobody_foresaw")
    assert "KeyError: 'missing'" in said
    assert "\n" not in said


def test_a_folder_that_is_not_ours_does_not_hide_the_cause(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("not a folder")
    write_failure(Places(tmp_path / "file"), "The cause.")
    assert "could not be written" in caplog.text


def test_the_first_failure_stands(tmp_path: Path) -> None:
    places = Places(tmp_path)
    write_failure(places, "The cause. " + "x" * 2000)
    write_failure(places, "A consequence.")
    assert places.failure.read_text().startswith("The cause.")
    assert len(places.failure.read_text()) == 1024
