"""Registrations of whole runs, on the wire: refreshed, refused, taken back at the end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sipflow.report.fold import Report
from tests.run.test_verdicts import run, start_lines

pytestmark = pytest.mark.wire

PASSWORD = "opensesame42"
REGISTRAR = """agent server { challenge realm "phones.test" user "alice" password secret env.WORD algorithm sha256 }
agent alice { proxy server; auth "alice" password secret env.%s%s }
on server: expect request REGISTER%s
on alice { %s }
"""
NEVER_IN = " within 200ms else recover"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORD", PASSWORD)
    monkeypatch.setenv("WRONG", "guessed-it")


def register(
    lane: str, tmp_path: Path, *, settings: str = "", wrong: bool = False
) -> tuple[Report, list[dict[str, Any]]]:
    text = REGISTRAR % ("WRONG" if wrong else "WORD", settings, NEVER_IN if wrong else "", lane)
    return run(text, tmp_path)


def named(events: list[dict[str, Any]], *names: str) -> list[str]:
    return [event["event"] for event in events if event["event"] in names]


def test_a_registration_is_refreshed_before_it_ends(tmp_path: Path) -> None:
    report, events = register("register for 1s; expect registered; expect registered within 2s", tmp_path)
    assert report.passed, report.failures
    times = [event["time"] for event in events if event["event"] == "Registered"]
    assert len(times) == 2 and 0.8 <= times[1] - times[0] < 1.0


def test_what_is_registered_by_the_settings_is_taken_back_at_the_end(tmp_path: Path) -> None:
    report, events = register("expect registered", tmp_path, settings="; register every 300s")
    assert report.passed, report.failures
    assert named(events, "Registered", "Unregistered") == ["Registered", "Unregistered"]
    last = [event["data"] for event in events if event["event"] == "SipSent" and event["agent"] == "alice"][-1]
    assert last.startswith("REGISTER ") and "\r\nExpires: 0\r\n" in last


def test_a_wrong_password_is_the_verdict_and_in_no_event(tmp_path: Path) -> None:
    report, events = register("register", tmp_path, wrong=True)
    assert not report.passed
    failed = report.failures[0]
    assert failed.expected == "the registration to be accepted"
    assert 'realm "phones.test" does not accept the password of "alice"' in failed.got
    sent = start_lines([event for event in events if event.get("agent") == "alice"], "SipSent")
    assert len(sent) == 2, "asked, and asked once with the password"
    assert PASSWORD not in str(events) and "guessed-it" not in str(events)
