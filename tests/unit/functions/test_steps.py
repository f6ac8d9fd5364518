"""The steps that read and write files: what one leaves behind is what the next needs, and every job is closed once."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from functions import aggregate, calibrate, close_job, register, start_analysis, validate, watch_jobs
from functions.core import wiring
from functions.core.contracts import ExcludedSpan, Status
from functions.core.steps import SplitSummary, WorkFiles
from functions.core.uploads import Upload
from model_src.verdict.prediction import Prediction
from model_src.verdict.scores import Calibration, ChunkScores, FrameScore, WindowScore

SUMMARY = SplitSummary(
    duration=2.5, file_sha256="ab" * 32, file_bytes=9, width=640, height=480, frame_rate=5, frames_sampled=13,
    frames_analyzed=12, frames_left_out={"no_face": 1},
)  # fmt: skip
Example = Callable[[str], dict[str, Any]]


class Machine:
    """Step Functions as the starter and the watcher see it."""

    class exceptions:  # noqa: N801 - boto3's own spelling
        class ExecutionAlreadyExists(Exception):
            pass

    def __init__(self) -> None:
        self.executions: dict[str, str] = {}
        self.running: list[datetime] = []

    def start_execution(self, *, stateMachineArn: str, name: str, input: str) -> None:  # noqa: N803
        if name in self.executions:
            raise self.exceptions.ExecutionAlreadyExists
        self.executions[name] = input

    def get_paginator(self, _name: str) -> Machine:
        return self

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        return [{"executions": [{"startDate": start}]} for start in self.running] or [{"executions": []}]


@pytest.fixture
def machine(aws: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine()
    for module in (start_analysis, watch_jobs):
        monkeypatch.setattr(module, "client", lambda _service: machine)
    return machine


def scores(index: int, logit: float) -> ChunkScores:
    windows = [
        WindowScore(
            index=2 * index + n,
            start=index + n / 2,
            end=index + n / 2 + 1,
            logit=logit,
            video_logit=logit,
            passes=[logit] * 10,
        )
        for n in range(2)
    ]
    frame = FrameScore(
        frame_id=5 * index, timestamp=float(index), logit=logit, saliency=[[0.0, 1.0]], transform=[[1, 0, 0], [0, 1, 0]]
    )
    return ChunkScores(
        model_version="m", trained=True, weights_sha256=["cd" * 32], chunk_index=index, windows=windows, frames=[frame]
    )


def test_the_same_event_five_times_starts_one_execution(machine: Machine, example: Example, context: Any) -> None:
    answers = [start_analysis.handler(example("start_analysis"), context) for _ in range(5)]
    assert len(machine.executions) == 1
    assert {answer["job_id"] for answer in answers} == set(machine.executions)


def test_the_oldest_running_job_is_measured(machine: Machine, example: Example, context: Any) -> None:
    assert watch_jobs.handler(example("watch_jobs"), context) == {"oldest_seconds": 0.0, "running": 0}
    machine.running = [datetime.now(UTC) - timedelta(seconds=s) for s in (5, 7200)]
    found = watch_jobs.handler(example("watch_jobs"), context)
    assert found["oldest_seconds"] == pytest.approx(7200, abs=5)
    assert found["running"] == 2


def test_register_makes_the_job_of_the_example_event(aws: SimpleNamespace, example: Example, context: Any) -> None:
    event = example("register")
    assert register.handler(event, context) == {"job_id": event["job_id"]}
    assert aws.jobs.get(event["job_id"]).status is Status.PROCESSING


def test_from_scores_to_a_closed_job(aws: SimpleNamespace, example: Example, context: Any) -> None:
    job = aws.jobs.register(Upload(bucket="uploads", key="users/ada/clip.mp4", version="v1"), 90)
    pointers = []
    for index, logit in enumerate((2.0, 4.0)):
        location = f"s3://artifacts/endpoint/output/{index}.out"
        wiring.files().write_model(location, scores(index, logit))
        pointers.append({"index": index, "location": location})
    work = WorkFiles(job.job_id, "artifacts", "results")
    aws.files.write_model(work.summary, SUMMARY)

    aggregate.handler({"job_id": job.job_id, "scores": pointers}, context)
    answer = calibrate.handler({"job_id": job.job_id}, context)
    assert answer == {"overall_class": "fake"}
    frames = json.loads(aws.files.read(work.frame_confidences))
    assert [frame["frame_id"] for frame in frames] == [0, 5]
    assert close_job.handler({"job_id": job.job_id}, context) == {"job_id": job.job_id, "closed": True}

    closed = aws.jobs.get(job.job_id)
    assert closed.status is Status.COMPLETED
    assert closed.result.prediction == aws.files.read_model(work.prediction, Prediction)
    told = closed.result.metadata
    assert (told.file_sha256, told.frames_sampled, told.frames_analyzed) == ("ab" * 32, 13, 12)
    assert told.frames_left_out == {"no_face": 1}
    assert (told.weights_sha256, told.calibration) == (["cd" * 32], Calibration())
    assert aws.files.exists(work.result)


def test_the_examples_of_the_middle_steps_are_taken(aws: SimpleNamespace, example: Example, context: Any) -> None:
    event = example("aggregate")
    aws.files.write_model(WorkFiles(event["job_id"], "artifacts", "results").summary, SUMMARY)
    aws.files.write_model(event["scores"][0]["location"], scores(0, -3.0))
    assert aggregate.handler(event, context) == {"one_model": True}
    assert calibrate.handler(example("calibrate"), context) == {"overall_class": "real"}


def test_scores_of_two_models_are_never_mixed(aws: SimpleNamespace, context: Any) -> None:
    work = WorkFiles("f" * 32, "artifacts", "results")
    aws.files.write_model(work.summary, SUMMARY)
    pointers = []
    for index, version in enumerate(("old", "new")):
        location = f"s3://artifacts/{index}.out"
        aws.files.write_model(location, scores(index, 1.0).model_copy(update={"model_version": version}))
        pointers.append({"index": index, "location": location})
    assert aggregate.handler({"job_id": "f" * 32, "scores": pointers}, context) == {"one_model": False}
    assert not aws.files.exists(work.video_scores)


def test_a_rejected_video_is_closed_with_its_own_sentence(aws: SimpleNamespace, example: Example, context: Any) -> None:
    event = example("close_job")
    aws.jobs.register(Upload(bucket="uploads", key=f"api/{event['job_id']}/video", version="v1"), 90)
    assert close_job.handler(event, context)["closed"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a second close has nothing to count, and does not complain about that
        assert not close_job.handler(event, context)["closed"]
    assert aws.jobs.get(event["job_id"]).error.model_dump(mode="json") == event["error"]


@pytest.mark.parametrize("code", ["inference_failed", "inference_timeout", "internal_error"])
def test_a_fault_of_ours_is_told_to_clients_without_its_cause_and_to_us_once_with_it(
    aws: SimpleNamespace, context: Any, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    job = aws.jobs.register(Upload(bucket="uploads", key="users/ada/clip.mp4", version="v1"), 90)
    cause = {"Error": "Traceback", "Cause": "secret internals"}
    close_job.handler({"job_id": job.job_id, "error": {"code": code, "cause": cause}}, context)
    # The rule on failed executions calls once more: that is neither the reason nor a second failure.
    close_job.handler({"job_id": job.job_id, "error": {"code": "internal_error", "cause": "FAILED"}}, context)
    told = [vars(record) for record in caplog.records if record.message == "job failed"]
    assert [(line["code"], line["cause"]) for line in told] == [(code, cause)]
    error = aws.jobs.get(job.job_id).error
    assert error.code == code
    assert error.message.endswith(".")
    assert "secret" not in error.message


def test_a_file_over_the_limit_is_refused_before_a_byte_of_it_is_fetched(
    aws: SimpleNamespace, example: Example, context: Any
) -> None:
    event = example("validate")  # an object that no bucket holds
    event["upload"]["size"] = 500 * 2**20 + 1
    answer = validate.handler(event, context)
    assert (answer["accepted"], answer["error"]["code"]) == (False, "too_large")


def test_a_result_admits_untrained_weights_and_the_seconds_that_were_left_out(
    aws: SimpleNamespace, context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = aws.jobs.register(Upload(bucket="uploads", key="users/ada/clip.mp4", version="v1"), 90)
    work, left_out = WorkFiles(job.job_id, "artifacts", "results"), ExcludedSpan(reason="no_face", start=1, end=2)
    aws.files.write_model(work.summary, SUMMARY.model_copy(update={"excluded": [left_out]}))
    aws.files.write_model("s3://artifacts/0.out", scores(0, 1.0).model_copy(update={"trained": False}))
    aggregate.handler({"job_id": job.job_id, "scores": [{"index": 0, "location": "s3://artifacts/0.out"}]}, context)
    calibrate.handler({"job_id": job.job_id}, context)
    close_job.handler({"job_id": job.job_id}, context)
    metadata = aws.jobs.get(job.job_id).result.metadata
    assert (metadata.trained, metadata.excluded) == (False, [left_out])
    assert metadata.processing_time_sec > 0


def test_a_closed_job_is_counted_once_by_its_outcome(
    aws: SimpleNamespace, example: Example, context: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    event = example("close_job")
    aws.jobs.register(Upload(bucket="uploads", key=f"api/{event['job_id']}/video", version="v1"), 90)
    for _ in range(2):
        close_job.handler(event, context)
    counted = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "JobsClosed" in line]
    assert [(line["outcome"], line["JobsClosed"]) for line in counted] == [("no_face", [1.0])]


def test_the_alarm_hears_of_running_jobs_alone(
    machine: Machine, example: Example, context: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    asked: list[dict[str, Any]] = []

    def paginate(_: Machine, **told: Any) -> list[dict[str, Any]]:
        asked.append(told)
        return [{"executions": []}]

    monkeypatch.setattr(Machine, "paginate", paginate)
    watch_jobs.handler(example("watch_jobs"), context)
    assert [told["statusFilter"] for told in asked] == ["RUNNING"]
    assert '"OldestRunningJobSeconds":[0.0]' in capsys.readouterr().out.replace(" ", "")
