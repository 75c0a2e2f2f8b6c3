"""`proved`: what a rig with a real peer showed, told at the end of the session."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from tests.interop.proof import PROPERTY, Proved, lines


@pytest.fixture
def proved(request: pytest.FixtureRequest) -> Proved:
    """Call it as the last thing of a test, with the peer and what was seen; one that fails later proves nothing."""

    def note(peer: str, what: str) -> None:
        request.node.user_properties.append((PROPERTY, f"{peer}: {what}"))

    return note


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line a rig, of those that passed."""
    passed: Iterable[pytest.TestReport] = terminalreporter.stats.get("passed", [])
    told = lines(text for report in passed for name, text in report.user_properties if name == PROPERTY)
    if told:
        terminalreporter.section("what the rigs proved")
        for line in told:
            terminalreporter.write_line(line)
