"""docs/sip-behaviour.md says what the user agent does."""

from __future__ import annotations

from pathlib import Path

from sipflow.sip.config import METHODS

PAGE = Path(__file__).parents[2] / "docs" / "sip-behaviour.md"


def test_the_page_names_every_method_that_is_answered() -> None:
    text = PAGE.read_text()
    assert [method for method in METHODS if method not in text] == []
