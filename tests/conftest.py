"""What all tests share: the flag that writes golden files anew."""

from __future__ import annotations

from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write golden files anew; review them with git diff")


class Golden:
    """Compares a text with a file that people review."""

    def __init__(self, update: bool) -> None:
        self.update = update

    def check(self, path: Path, actual: str) -> None:
        """`actual` is what stands in `path`; with --update-golden it is from now on."""
        if self.update:
            path.write_text(actual, encoding="utf-8")
        assert path.exists(), f"{path} is missing; --update-golden writes it"
        assert actual == path.read_text(encoding="utf-8")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    return Golden(bool(request.config.getoption("--update-golden")))
