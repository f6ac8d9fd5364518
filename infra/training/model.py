"""The model that a job made: fetched, unpacked, and proved to be what was packaged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from functions.core.files import parse
from infra.training.job import JobRefused, JobState, call
from model_src.serving.manifest import Manifest
from model_src.serving.package import read_archive


def download(s3: Any, job: JobState, folder: Path) -> Manifest:
    """`folder/model.tar.gz`, and unpacked beside it `folder/model`."""
    if job.status != "Completed" or job.model is None:
        raise JobRefused(
            f"{job.name} has made no model: it is {job.status}. Its checkpoints are in {job.checkpoints}; "
            "`aura package` makes a model of one."
        )
    bucket, key = parse(job.model)
    folder.mkdir(parents=True, exist_ok=True)
    archive = folder / "model.tar.gz"
    call(s3.download_file, Bucket=bucket, Key=key, Filename=str(archive))
    return read_archive(archive, folder / "model")
