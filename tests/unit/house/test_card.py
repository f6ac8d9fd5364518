"""The model card that ships is the one that is read and kept up, and it leads to files that are there."""

from __future__ import annotations

import re

from model_src.serving.default import DEFAULT_MODEL
from model_src.serving.ship import CARD
from tests.house import HOUSE

SOURCE = HOUSE / "model_src" / CARD
RELATIVE_LINK = re.compile(r"\]\((?!\w+:|#)([^)#\s]+)")  # neither an address nor a heading


def test_the_shipped_card_says_what_the_card_says() -> None:
    """`aura ship` copies it: whoever changes the one ships the other again."""
    assert (DEFAULT_MODEL / CARD).read_text(encoding="utf-8") == SOURCE.read_text(encoding="utf-8")


def test_every_link_of_the_card_leads_to_a_file_from_wherever_the_card_is_read() -> None:
    """From the root of the repository, since the copy lies in another folder."""
    links = RELATIVE_LINK.findall(SOURCE.read_text(encoding="utf-8"))
    assert "/model_src/recipes/STUDY.md" in links
    assert [link for link in links if not link.startswith("/") or not (HOUSE / link[1:]).is_file()] == []
