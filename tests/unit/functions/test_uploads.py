"""One upload is one job, however its events arrive."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from functions.core.uploads import Upload, api_key, new_job_id
from functions.core.workspace import downloaded

Example = Callable[[str], dict[str, Any]]


def test_a_repeated_event_finds_the_same_job(example: Example) -> None:
    first, again = example("start_analysis"), example("start_analysis")
    again["id"], again["time"] = "another-delivery", "2026-11-21T09:00:00Z"
    assert Upload.from_event(first).as_execution_input() == Upload.from_event(again).as_execution_input()


def test_a_new_version_of_a_key_is_a_new_job(example: Example) -> None:
    first = example("start_analysis")
    second = copy.deepcopy(first)
    second["detail"]["object"]["version-id"] = "another"
    assert Upload.from_event(first).job_id != Upload.from_event(second).job_id


def test_without_versioning_an_overwritten_key_is_a_new_job(example: Example) -> None:
    first = example("start_analysis")
    del first["detail"]["object"]["version-id"]
    second = copy.deepcopy(first)
    second["detail"]["object"]["etag"] = "0" * 32
    assert Upload.from_event(first).job_id != Upload.from_event(second).job_id


def test_an_announced_upload_keeps_the_id_the_client_was_given() -> None:
    job_id = new_job_id()
    assert Upload(bucket="uploads", key=api_key(job_id), version="v7").job_id == job_id


def test_a_key_that_only_looks_announced_takes_nobodys_job() -> None:
    job_id = new_job_id()
    for key in (f"{api_key(job_id)}\n", f"{api_key(job_id)}2", f"x{api_key(job_id)}"):
        assert Upload(bucket="uploads", key=key, version="v7").job_id != job_id


def test_keys_with_spaces_plus_signs_and_umlauts_are_taken_as_they_are(example: Example) -> None:
    upload = Upload.from_event(example("start_analysis"))
    assert upload.key == "users/ada/space plus+ü.mp4"
    assert json.loads(upload.as_execution_input())["upload"]["key"] == upload.key
    assert len(upload.job_id) == 32


def test_a_direct_upload_belongs_to_the_user_named_in_its_key() -> None:
    assert Upload(bucket="b", key="users/ada/clip.mp4").owner == "ada"
    assert Upload(bucket="b", key="clip.mp4").owner is None
    assert Upload(bucket="b", key="users/clip.mp4").owner is None
    assert Upload(bucket="b", key="users//clip.mp4").owner is None


def test_what_is_read_is_what_was_uploaded_though_the_key_was_overwritten(aws: SimpleNamespace, tmp_path: Path) -> None:
    first = aws.s3.put_object(Bucket="uploads", Key="users/ada/a.mp4", Body=b"first")["VersionId"]
    aws.s3.put_object(Bucket="uploads", Key="users/ada/a.mp4", Body=b"second")
    aws.files.download(Upload(bucket="uploads", key="users/ada/a.mp4", version=first), tmp_path / "video")
    assert (tmp_path / "video").read_bytes() == b"first"


def test_a_video_is_gone_from_the_disk_whatever_happened_to_it(aws: SimpleNamespace) -> None:
    aws.s3.put_object(Bucket="uploads", Key="users/ada/a.mp4", Body=b"video")
    with suppress(RuntimeError), downloaded(Upload(bucket="uploads", key="users/ada/a.mp4")) as path:
        assert path.read_bytes() == b"video"
        raise RuntimeError("it was hostile")
    assert not path.parent.exists()


def test_the_size_travels_along_for_validate_to_judge(example: Example) -> None:
    event = example("start_analysis")
    event["detail"]["object"]["size"] = 12_345
    assert json.loads(Upload.from_event(event).as_execution_input())["upload"]["size"] == 12_345
