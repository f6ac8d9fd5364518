"""`aura train-job`: the same training on SageMaker; started, watched, and its model fetched."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from infra.cli.pairs import pairs
from infra.cli.refusals import refusing
from infra.cli.show import console

if TYPE_CHECKING:
    from infra.training.job import JobState

train_job = typer.Typer(help="Train on SageMaker: start a job, watch it, fetch its model.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="the name of the job")]


@train_job.command()
def start(
    videos: Annotated[str, typer.Option(help="s3://… of the videos: a data root, or a manifest with its videos")],
    image: Annotated[str, typer.Option(envvar="AURA_TRAINING_IMAGE", help="built from containers/training")],
    role: Annotated[str, typer.Option(envvar="AURA_TRAINING_ROLE", help="ARN of the role that the job takes on")],
    output: Annotated[str, typer.Option(envvar="AURA_TRAINING_OUTPUT", help="s3://… for checkpoints and the model")],
    name: Annotated[
        str | None, typer.Option(help="what to call the job; aura- with date and time if not given")
    ] = None,
    extracted: Annotated[str | None, typer.Option(help="s3://… of what `aura extract` wrote")] = None,
    weights: Annotated[str | None, typer.Option(help="s3://… of pretrained encoders")] = None,
    in_service: Annotated[str | None, typer.Option(help="s3://… of a model.tar.gz to be judged beside it")] = None,
    hyperparameter: Annotated[list[str] | None, typer.Option("--set", help="setting=value; may be repeated")] = None,
    instance: Annotated[str, typer.Option(help="type of the machines")] = "ml.g5.xlarge",
    instances: Annotated[int, typer.Option(min=1, help="how many of them")] = 1,
    disk_gb: Annotated[int, typer.Option(min=1, help="room for the data")] = 200,
    spot: Annotated[bool, typer.Option("--spot/--on-demand", help="cheaper, and may be interrupted")] = True,
    hours: Annotated[float, typer.Option(help="that it may run")] = 24,
    wait_hours: Annotated[float, typer.Option(help="that it may wait for spot machines beside that")] = 24,
    tag: Annotated[list[str] | None, typer.Option(help="key=value; may be repeated")] = None,
) -> None:
    """Start a training job; it goes on without this machine."""
    import boto3
    from pydantic import ValidationError

    from infra.training.job import JobRefused
    from infra.training.job import start as start_job
    from infra.training.order import Order
    from model_src.training_job.hyperparameters import meant_by
    from model_src.training_job.places import ROOT, JobInvalid, Places

    channels = {"training": videos, "extracted": extracted, "weights": weights, "in_service": in_service}
    hyperparameters = pairs("--set", hyperparameter or [])
    with refusing(JobInvalid, JobRefused, ValidationError):
        if not hyperparameters.get("model", "").startswith(str(ROOT)):  # else the model comes with the data
            meant_by(hyperparameters, Places())  # what the job would find wrong, before anything has to be paid for
        order = Order(
            name=name or f"aura-{datetime.now(UTC):%Y-%m-%d-%H-%M-%S}",
            image=image,
            role=role,
            channels={channel: uri for channel, uri in channels.items() if uri},
            output=output,
            hyperparameters=hyperparameters,
            instance=instance,
            instances=instances,
            disk_gb=disk_gb,
            spot=spot,
            hours=hours,
            wait_hours=wait_hours,
            tags=pairs("--tag", tag or []),
        )
        told(lambda: start_job(boto3.client("sagemaker"), order))
    console.print(f"started [bold]{order.name}[/]; watch it: aura train-job status {order.name} --follow")


@train_job.command()
def status(
    name: Name,
    follow: Annotated[bool, typer.Option("--follow", help="until the job is over")] = False,
) -> None:
    """Where a job stands, and its latest metrics."""
    import boto3

    from infra.training.job import follow as follow_job
    from infra.training.job import read

    client = told(lambda: boto3.client("sagemaker"))
    states = follow_job(client, name) if follow else iter([told(lambda: read(client, name))])
    last = None
    while (state := told(lambda: next(states, None))) is not None:
        show(state)
        last = state
    if last is not None and last.status == "Failed":
        raise typer.Exit(1)


@train_job.command()
def download(
    name: Name,
    out: Annotated[Path | None, typer.Option("--output", "-o", help="folder; out/NAME if not given")] = None,
) -> None:
    """Fetch the model of a job that is over, and check it against its manifest."""
    import boto3

    from infra.training.job import read
    from infra.training.model import download as fetch

    job = told(lambda: read(boto3.client("sagemaker"), name))
    folder = out or Path("out") / name
    manifest = told(lambda: fetch(boto3.client("s3"), job, folder))
    console.print(f"{manifest.model_version} -> [bold]{folder / 'model.tar.gz'}[/], unpacked in {folder / 'model'}")
    console.print(f"deploy it with ModelDataUrl={job.model}", soft_wrap=True)


def told(ask: Callable[[], Any]) -> Any:
    """An answer of AWS, or its refusal as a sentence."""
    from botocore.exceptions import BotoCoreError

    from infra.training.job import JobRefused
    from model_src.serving.errors import ModelUnavailable

    with refusing(JobRefused, ModelUnavailable, BotoCoreError):
        return ask()


def show(state: JobState) -> None:
    colour = {"Completed": "green", "Failed": "red"}.get(state.status, "yellow")
    console.print(f"[bold]{state.name}[/] [{colour}]{state.status}[/] ({state.stage})")
    if state.reason:
        console.print(state.reason, markup=False)
    if state.metrics:
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 2))
        for name, value in sorted(state.metrics.items()):
            table.add_row(name, f"{value:.4g}")
        console.print(table)
    if state.billable_seconds is not None and state.training_seconds:
        saved = 1 - state.billable_seconds / state.training_seconds
        console.print(f"trained {state.training_seconds / 3600:.1f} h, {saved:.0%} of it not paid for")
