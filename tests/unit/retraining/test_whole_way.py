"""A month's videos become a model that waits for a person; approved, it is in service."""

from __future__ import annotations

import json
import re
import tarfile
from pathlib import Path
from typing import Any

import pytest

from functions.core.files import parse
from model_src.data.made_clips import make_dataset
from tests.unit.retraining.machines import (
    MODELS,
    answer,
    described,
    packages,
    retraining_with,
)
from tests.unit.retraining.play import Machine, client
from tests.unit.retraining.stack import Stack
from tests.unit.serving.packed import packed, packed_small_model
from tests.unit.training_job.tree import TINY, start, tell


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_months_videos_become_a_model_that_approval_puts_in_service(
    group: str, stack: Stack, promotion: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The training container's own command runs where SageMaker would run it."""
    videos = make_dataset(tmp_path / "videos", per_split={"train": 2, "val": 2, "test": 2}, seconds=1.0)
    (videos / "learner.yaml").write_text(TINY["model"])
    for path in (path for path in videos.rglob("*") if path.is_file()):
        client("s3").upload_file(str(path), MODELS, f"videos/{path.relative_to(videos)}")
    stack.parameters["ModelDataUrl"] = f"s3://{MODELS}/by-hand/model.tar.gz"
    client("s3").upload_file(str(packed_small_model(tmp_path, "by-hand")), MODELS, "by-hand/model.tar.gz")
    root = tmp_path / "ml"
    settings = {name: value for name, value in TINY.items() if not name.startswith("_")}
    settings |= {"model": f"{root}/input/data/training/learner.yaml"}
    machine = retraining_with(
        group, stack, monkeypatch, Data=f"s3://{MODELS}/videos",
        Settings=", ".join(f"{name}={value}" for name, value in settings.items()),
    )  # fmt: skip
    machine.services["createTrainingJob"] = lambda asked: run_container(asked, root)
    played = machine.play()
    assert played.path == ["FindModelInService", "Train", "OpenGroup", "Register", "Tell"]
    assert played.status == "SUCCEEDED"
    assert re.search(
        r"waits for your approval. AUC \d\.\d{3} \(95 %: .*\) on 2 test videos. The model in service: \d\.\d{3}\. "
        r"Difference: -?\d\.\d{3} \(95 %: ",
        played.message,
    )
    [package] = packages()
    assert package["ModelApprovalStatus"] == "PendingManualApproval"
    assert package["ModelPackageDescription"] in played.message.replace(" is trained and waits for your approval.", ":")

    answer(package)
    assert promotion.play().path[-1] == "Tell"
    assert stack.parameters["ModelDataUrl"].endswith("/output/model.tar.gz")
    archive = tmp_path / "served.tar.gz"
    client("s3").download_file(*parse(stack.parameters["ModelDataUrl"]), str(archive))
    with tarfile.open(archive) as tar:
        assert {"manifest.json", "model.safetensors", "model_card.md"} <= set(tar.getnames())
        card, results = (tar.extractfile(name) for name in ("model_card.md", "evaluation.json"))
        assert card is not None
        assert results is not None
        assert "The model in service, by-hand, has an AUC of" in card.read().decode()
        assert json.load(results)["in_service"]["videos"] == 2


def run_container(asked: dict[str, Any], root: Path) -> dict[str, Any]:
    """As SageMaker does it: channels copied in, the command run, metrics read from its lines, the model carried out."""
    s3 = client("s3")
    for channel in asked["InputDataConfig"]:
        bucket, prefix = parse(channel["DataSource"]["S3DataSource"]["S3Uri"])
        for found in s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]:
            below = found["Key"].removeprefix(prefix).lstrip("/") or prefix.rpartition("/")[2]
            path = root / "input" / "data" / channel["ChannelName"] / below
            path.parent.mkdir(parents=True, exist_ok=True)
            s3.download_file(bucket, found["Key"], str(path))
    tell(root, "hyperparameters", asked["HyperParameters"])
    tell(root, "inputdataconfig", {each["ChannelName"]: {} for each in asked["InputDataConfig"]})
    process = start(root, TRAINING_JOB_NAME=asked["TrainingJobName"])
    said, _ = process.communicate(timeout=240)
    assert process.returncode == 0, (root / "log.txt").read_text()[-3000:]
    figures = {}
    for metric in asked["AlgorithmSpecification"]["MetricDefinitions"]:
        if values := re.findall(metric["Regex"], said):
            figures[metric["Name"]] = float(values[-1])
    answered = described(asked, figures)
    s3.upload_file(str(packed(root / "model")), *parse(answered["ModelArtifacts"]["S3ModelArtifacts"]))
    return answered
