"""Every scenario of the project runs, on the wire, and passes."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

import sipflow
from sipflow.media.opus import has_opus
from sipflow.report.serialise import EventsFile, report_to_json

SCENARIOS = Path(__file__).parents[2] / "scenarios"


SLOW = {"broken-ack"}
"""Scenarios that wait for timers of half a minute: in virtual time by tests/sim, here when SIPFLOW_SLOW is set."""


def scenarios() -> list[Path]:
    """All files that are run on the wire."""
    slow = os.environ.get("SIPFLOW_SLOW")
    return [path for path in sorted(SCENARIOS.rglob("*.sflow")) if slow or path.stem not in SLOW]


def needs(path: Path) -> None:
    """Skip a scenario whose codec this machine does not have."""
    if "opus" in path.stem and not has_opus():
        pytest.skip("libopus is not installed")


@pytest.mark.wire
@pytest.mark.parametrize("path", scenarios(), ids=lambda path: path.stem)
def test_scenario_passes(path: Path, tmp_path: Path) -> None:
    needs(path)
    with (tmp_path / "events.jsonl").open("w") as stream:
        report = sipflow.run(path, out=tmp_path, timeout_s=60, sinks=[EventsFile(stream).take], seed=7)
    assert report.diagnostics == ()
    assert report.passed, report.failures
    assert all(lane.passed for lane in report.lanes)
    assert json.dumps(report_to_json(report))


@pytest.mark.wire
def test_every_call_of_a_passed_scenario_is_released_on_the_wire(tmp_path: Path) -> None:
    events: list[dict[str, object]] = []
    from sipflow.report.serialise import record_to_json

    report = sipflow.run(
        SCENARIOS / "two-calls.sflow", out=tmp_path, sinks=[lambda record: events.append(record_to_json(record))]
    )
    assert report.passed, report.failures
    byes = [event for event in events if event["event"] == "SipSent" and str(event["data"]).startswith("BYE ")]
    released = [event for event in events if event["event"] == "CallReleased"]
    assert len(byes) == 2
    assert len(released) == 4  # both sides of both calls
