"""What all tests share: the flag that writes golden files anew."""

from __future__ import annotations

import os
from pathlib import Path

import hypothesis
import pytest

from tests.pace import at_most

# The same examples each time, so that a change is judged by what it changes; others are looked for with SIPFLOW_SLOW=1.
# How long an example takes is judged by `at_most` where it matters, and by no deadline that a busy machine breaks.
hypothesis.settings.register_profile("same", derandomize=True, database=None, deadline=None)
hypothesis.settings.register_profile("other", deadline=None)
hypothesis.settings.load_profile("other" if os.environ.get("SIPFLOW_SLOW") else "same")


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
