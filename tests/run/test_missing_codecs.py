"""A codec whose library the machine lacks: said by the check, and by the run before anybody is called."""

from __future__ import annotations

import ctypes.util
from pathlib import Path

import pytest

import sipflow
from sipflow.media import opus


@pytest.fixture(autouse=True)
def _without_libopus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opus, "_NAMES", ())
    monkeypatch.setattr(ctypes.util, "find_library", lambda name: None)
    monkeypatch.setattr(opus, "opus_library", opus.opus_library.__wrapped__)


@pytest.mark.parametrize(
    "text",
    [
        "agent alice { codecs opus, pcma }\non alice: call bob; release\non bob: answer; expect hangup\n",
        "on alice: call bob with { codecs opus }; release\non bob: answer; expect hangup\n",
        "on alice: call bob; release\non bob: answer with { codecs pcmu, opus }; expect hangup\n",
    ],
)
def test_a_run_that_needs_it_is_the_machines_fault_and_calls_nobody(tmp_path: Path, text: str) -> None:
    report = sipflow.run(text, out=tmp_path, timeout_s=5)
    assert (report.verdict, report.exit_code, report.failures) == ("error", 3, ())
    (problem,) = report.problems
    assert problem.code == "SF506"
    assert "Opus needs libopus: apt install libopus0" in problem.message
    warnings = [found for found in sipflow.check(text) if found.code == "SF412"]
    assert [found.help for found in warnings] == [opus.MISSING]


def test_agents_that_do_not_name_it_run_all_the_same(tmp_path: Path) -> None:
    text = "on alice: call bob; release\non bob: answer; expect hangup\n"
    assert sipflow.run(text, out=tmp_path, timeout_s=5).passed
