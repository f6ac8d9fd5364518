"""`aura`: what a person types. Each command is one file of this folder."""

from __future__ import annotations

import typer

from infra.cli.analyze import analyze
from infra.cli.demo import demo
from infra.cli.probe import probe
from infra.cli.score import score
from infra.cli.up import up

app = typer.Typer(
    name="aura",
    help="Is this talking-face video real, fake or uncertain, and why?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)
for command in (up, demo, analyze, probe, score):
    app.command()(command)
