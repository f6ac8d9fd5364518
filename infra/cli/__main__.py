"""`python -m infra.cli` is `aura`."""

from infra.cli import app

app()
