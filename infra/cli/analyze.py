"""`aura analyze`: upload videos to a running product, follow them, show and keep the verdicts."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from functions.core.contracts import JobView, Status
from functions.core.names import harmless
from infra.cli.client import ApiClient, ApiError, fetch
from infra.cli.refusals import refusing
from infra.cli.show import console, picture_name, show
from infra.local.deploy import DeployFailed
from infra.local.home import stack_home
from infra.local.processes import StartFailed
from infra.local.stack import AlreadyRunning, EmbeddedStack, running_stack

FRAMES = "frame_confidences.json"
WORDS = {
    "awaiting_upload": "uploading",
    "queued": "waiting",
    "validating": "reading the video",
    "splitting": "finding the face",
    "scoring": "scoring",
    "aggregating": "adding up",
    "calibrating": "calibrating",
    "explaining": "drawing what decided",
    "done": "done",
}


def analyze(
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, help="videos to analyse")],
    api: Annotated[str | None, typer.Option(help="URL of a deployed API; without it, the embedded stack")] = None,
    token: Annotated[str | None, typer.Option(envvar="AURA_TOKEN", help="id token for --api")] = None,
    out: Annotated[Path, typer.Option(help="where reports and pictures are saved")] = Path("out"),
    timeout: Annotated[float, typer.Option(help="seconds to wait for one video")] = 900,
) -> None:
    """Upload videos, follow them to their verdicts, save reports and pictures."""
    with ExitStack() as cleanup, refusing(ApiError, AlreadyRunning, DeployFailed, StartFailed):
        client = connect(api, token, cleanup)
        closed = [analyze_one(client, path, out, timeout) for path in files]
    if any(job.status is not Status.COMPLETED for job in closed):
        raise typer.Exit(1)


def connect(api: str | None, token: str | None, cleanup: ExitStack) -> ApiClient:
    """The API asked for; else the embedded stack that is up; else one of our own, for as long as we need it."""
    if api:
        if not token:
            raise ApiError("A deployed API wants a token: give --token or set AURA_TOKEN.")
        return ApiClient(api, token)
    running = running_stack(stack_home())
    if running:
        return ApiClient(running.api_url, running.token())
    with console.status("starting the embedded stack (emulator, template, model) …"):
        stack = cleanup.enter_context(EmbeddedStack())
    return ApiClient(stack.api_url, stack.token())


def analyze_one(client: ApiClient, path: Path, out: Path, timeout: float) -> JobView:
    name = TextColumn("{task.fields[file]}", markup=False)
    columns = (name, BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=False) as progress:
        bar = progress.add_task("uploading", total=1.0, file=harmless(path.name))
        announced = client.announce(path)
        client.upload(announced, path)
        job = client.follow(
            announced.job_id,
            lambda job: progress.update(bar, completed=job.progress, description=WORDS[job.stage.value]),
            timeout,
        )
    pictures = save(job, out / job.job_id)
    show(path.name, job, pictures)
    console.print(Text(f"report and pictures: {out / job.job_id}", style="dim"))
    return job


def save(job: JobView, folder: Path) -> list[Path]:
    """The report, and beside it what it links to: links expire, and whoever has one may open it; files stay."""
    folder.mkdir(parents=True, exist_ok=True)
    report = folder / "report.json"
    report.write_text(job.model_dump_json(indent=2))  # first as it came: a file may fail to be fetched
    pictures, prediction = [], job.prediction
    if prediction is not None:
        kept = []
        for frame in prediction.anomalous_frames:
            name = picture_name(frame.frame_id) if frame.saliency_url else None
            if frame.saliency_url and name:
                (folder / name).write_bytes(fetch(frame.saliency_url))
                pictures.append(folder / name)
            kept.append(frame.model_copy(update={"saliency_url": name}))
        if prediction.frame_confidences_url:
            (folder / FRAMES).write_bytes(fetch(prediction.frame_confidences_url))
        links = {"anomalous_frames": kept, "frame_confidences_url": prediction.frame_confidences_url and FRAMES}
        job = job.model_copy(update={"prediction": prediction.model_copy(update=links)})
        report.write_text(job.model_dump_json(indent=2))
    return pictures
