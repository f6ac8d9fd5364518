"""What the README tells people to do works as it is written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from infra.local.package import ROOT

README = (ROOT / "README.md").read_text()


def test_the_model_in_ten_lines_runs(capsys: pytest.CaptureFixture[str]) -> None:
    [snippet] = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert len([line for line in snippet.splitlines() if line.strip()]) <= 10
    exec(compile(snippet, "README.md", "exec"), {})  # noqa: S102 - our own page
    assert capsys.readouterr().out.count("tensor") == 2


def test_every_link_leads_somewhere() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / Path(link)).exists()] == []
