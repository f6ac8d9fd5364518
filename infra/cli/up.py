"""`aura up`: the whole product in the foreground, until Ctrl-C."""

from __future__ import annotations

import signal
import threading

import typer

from infra.cli.refusals import refusing
from infra.cli.show import console
from infra.local.deploy import DeployFailed
from infra.local.processes import StartFailed
from infra.local.stack import AlreadyRunning, EmbeddedStack


def up() -> None:
    """Start the embedded stack and print where everything is. Ctrl-C stops it; its state stays."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    stack = EmbeddedStack()
    with (
        refusing(AlreadyRunning, DeployFailed, StartFailed),
        console.status("starting: emulator, template.yaml, model …"),
    ):
        stack.start()
    try:
        for name, value in (  # plain lines: a table would cut the token, and it is there to be copied
            ("API", stack.api_url),
            ("token", stack.token()),
            ("AWS emulator", stack.aws_url),
            ("inference server", stack.inference_url),
            ("logs", stack.home / "logs"),
        ):
            typer.echo(f"{name:<18}{value}")
        console.print("\nTry: [bold]aura analyze VIDEO[/] in another terminal. Ctrl-C stops everything.")
        while not stop.wait(1):
            dead = [process.name for process in stack.processes if not process.running]
            if dead:
                console.print(f"[red]{' and '.join(dead)} stopped; see the logs.[/]")
                raise typer.Exit(1)
    finally:
        with console.status("stopping …"):
            stack.stop()
