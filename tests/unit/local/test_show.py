"""On a terminal, a verdict of untrained weights says that it means nothing, and one of trained weights does not."""

from __future__ import annotations

import pytest
import typer

from functions.core.contracts import JobError, JobView, Metadata, Stage, Status
from infra.cli.refusals import refusing
from infra.cli.score import sentence
from infra.cli.show import console, show
from model_src.verdict.aggregate import aggregate
from model_src.verdict.calibrate import calibrate
from model_src.verdict.prediction import AnomalousFrame
from model_src.verdict.scores import ChunkScores, Region, RegionShare, WindowScore


def job(trained: bool) -> JobView:
    window = WindowScore(index=0, start=0, end=1, logit=1.5, video_logit=1.5)
    scores = ChunkScores(model_version="m", trained=trained, chunk_index=0, windows=[window], frames=[])
    facts = Metadata(processing_time_sec=1, video_duration_sec=1, frames_analyzed=5, model_version="m", trained=trained)
    return JobView(
        job_id="a" * 32, status=Status.COMPLETED, stage=Stage.DONE, progress=1, created_at="", updated_at="",
        prediction=calibrate(aggregate([scores], duration=1)), metadata=facts,
    )  # fmt: skip


@pytest.mark.parametrize("trained", [True, False])
def test_only_untrained_weights_are_called_meaningless(trained: bool) -> None:
    with console.capture() as shown:
        show("clip.mp4", job(trained), [])
    line = {"file": "a.mp4", "error": None, "class": "fake", "fake": 0.8, "trained": trained}
    line |= {"needs_human_review": False}
    assert ("means nothing" in shown.get()) is ("means nothing" in sentence(line).plain) is not trained
    assert "FAKE" in shown.get()


@pytest.mark.parametrize("name", ["interview [final].mp4", "a[/b].mp4", "[red]x[/].mp4"])
def test_a_verdict_stands_under_the_very_name_of_its_file(name: str) -> None:
    refused = {"file": name, "error": {"code": "no_face", "message": "No face [of anybody]."}}
    with console.capture() as shown:
        show(name, job(trained=True), [])
        console.print(sentence(refused))
    assert shown.get().count(name) == 2
    assert "[of anybody]" in shown.get()


def test_a_frame_is_shown_with_the_regions_of_the_face_that_say_most() -> None:
    finished = job(trained=True)
    assert finished.prediction is not None
    shares: dict[Region, float] = {"edge": 0.6, "mouth": 0.3, "skin": 0.1}
    where = [RegionShare(region=region, share=share) for region, share in shares.items()]
    frame = AnomalousFrame(frame_id=5, timestamp=1.0, confidence=0.9, regions=where)
    told = finished.prediction.model_copy(update={"anomalous_frames": [frame]})
    with console.capture() as shown:
        show("clip.mp4", finished.model_copy(update={"prediction": told}), [])
    assert "face edge 60 %, mouth 30 %" in shown.get()
    assert "skin" not in shown.get()


@pytest.mark.parametrize(("starts", "told"), [(None, False), (0.02, False), (1.5, True)])
def test_a_picture_that_begins_after_the_sound_is_told(starts: float | None, told: bool) -> None:
    finished = job(trained=True)
    assert finished.metadata is not None
    late = finished.metadata.model_copy(update={"picture_starts": starts})
    with console.capture() as shown:
        show("clip.mp4", finished.model_copy(update={"metadata": late}), [])
    assert ("The picture begins" in shown.get()) is told


def test_the_weights_that_gave_the_verdict_are_named() -> None:
    finished = job(trained=True)
    assert finished.metadata is not None
    known = finished.metadata.model_copy(update={"weights_sha256": ["0123456789abcdef" * 4]})
    with console.capture() as shown:
        show("clip.mp4", finished.model_copy(update={"metadata": known}), [])
    assert "model m, weights 01234567" in shown.get()


def test_who_should_look_is_told_why() -> None:
    seen, heard = job(trained=True), job(trained=True)
    assert seen.prediction is not None
    alone = seen.prediction.model_copy(
        update={"modalities": ["audio"], "needs_human_review": True, "review_reasons": ["face_not_judged"]}
    )
    with console.capture() as shown:
        show("still.mp4", heard.model_copy(update={"prediction": alone}), [])
    assert "needs a person's review: the face could not be judged" in shown.get()


def test_neither_a_files_name_nor_a_servers_words_steer_the_terminal() -> None:
    name = "clip\x1b]0;owned\x07\x1b[2J\u202egpj.mp4"
    error = {"code": "no_face", "message": "gone\x1b[1A\nsecond line"}
    refused = job(trained=True).model_copy(update={"prediction": None, "error": JobError.model_validate(error)})
    with console.capture() as shown:
        show(name, job(trained=True), [])
        show(name, refused, [])
        console.print(sentence({"file": name, "error": error}))
    assert not set("\x1b\x07\u202e") & set(shown.get())
    assert "second line" in shown.get()


def test_what_a_command_refuses_is_said_in_harmless_letters(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit), refusing(ValueError):
        raise ValueError("the server says \x1b[2J")
    assert "\x1b" not in capsys.readouterr().err
