"""`aura`: what a person types. Each command is one file of this folder."""

from __future__ import annotations

import typer

from infra.cli.ablate import ablate
from infra.cli.analyze import analyze
from infra.cli.attack import attack
from infra.cli.calibrate import calibrate
from infra.cli.cross import cross
from infra.cli.demo import demo
from infra.cli.evaluate import evaluate
from infra.cli.extract import extract
from infra.cli.gather import gather
from infra.cli.join import join
from infra.cli.package import package
from infra.cli.probe import probe
from infra.cli.revoice import revoice
from infra.cli.robustness import robustness
from infra.cli.score import score
from infra.cli.ship import ship
from infra.cli.shortcuts import shortcuts
from infra.cli.speak import speak
from infra.cli.sweep import sweep
from infra.cli.train import train
from infra.cli.train_job import train_job
from infra.cli.up import up

app = typer.Typer(
    name="aura",
    help="Is this talking-face video real, fake or uncertain, and why?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)
for command in (
    up,
    demo,
    analyze,
    probe,
    score,
    extract,
    train,
    evaluate,
    gather,
    join,
    calibrate,
    package,
    ship,
    ablate,
    sweep,
    attack,
    robustness,
    cross,
    shortcuts,
    revoice,
    speak,
):
    app.command()(command)
app.add_typer(train_job, name="train-job")
