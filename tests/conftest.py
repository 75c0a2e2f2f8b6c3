"""What all tests share: the flag that writes golden files anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pace import at_most


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write golden files anew; review them with git diff")


@pytest.hookimpl(tryfirst=True)  # before -m chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What calls `tests.pace.at_most` judges time, whether its author thought of the marker or not."""
    for item in items:
        if isinstance(item, pytest.Function) and at_most.__name__ in item.function.__code__.co_names:
            item.add_marker("timed")


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
