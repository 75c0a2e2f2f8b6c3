"""Verdicts that can be trusted: what fails, how it is told, and that calls are released whatever happens."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import sipflow
from sipflow.report.fold import Report
from sipflow.report.serialise import record_to_json
from sipflow.report.verdict import verdict_lines

MEDIA = Path(__file__).parents[2] / "scenarios" / "media"
FIRST_PROGRAM = 'on alice: call bob; play "greet.wav"; expect dtmf "1" within 2s else release\n'

pytestmark = pytest.mark.wire


def run(text: str, tmp_path: Path, **settings: Any) -> tuple[Report, list[dict[str, Any]]]:
    events: list[dict[str, Any]] = []
    report = sipflow.run(
        text, out=tmp_path, media_dir=MEDIA, sinks=[lambda record: events.append(record_to_json(record))], **settings
    )
    return report, events


def start_lines(events: list[dict[str, Any]], kind: str) -> list[str]:
    return [event["data"].split("\r\n", 1)[0] for event in events if event["event"] == kind]


def test_the_first_program_passes_when_the_digit_comes(tmp_path: Path) -> None:
    text = FIRST_PROGRAM + 'on bob { answer; wait 300ms; send dtmf "1"; expect hangup within 20s }\n'
    report, _ = run(text, tmp_path)
    assert report.passed, report.failures


def test_without_the_digit_it_fails_at_the_expect_and_the_call_is_released(tmp_path: Path) -> None:
    text = FIRST_PROGRAM + "on bob { answer; expect hangup within 30s }\n"
    report, events = run(text, tmp_path)
    assert (report.verdict, report.exit_code) == ("failed", 1)
    (failure,) = report.failures
    assert (failure.line, failure.column) == (1, text.index("expect") + 1)
    assert "no digit came within 2 s" in failure.got
    assert any(line.startswith("BYE ") for line in start_lines(events, "SipSent"))
    assert any(event["event"] == "CallReleased" and event["code"] == 200 for event in events)
    shown = "\n".join(verdict_lines(report, text))
    assert re.search(r'expect dtmf "1".*\n.*\^\^\^', shown), shown


def test_a_wrong_digit_fails_at_once(tmp_path: Path) -> None:
    text = 'on alice { call bob; expect dtmf "1" within 60s }\non bob { answer; send dtmf "2"; expect hangup }\n'
    report, _ = run(text, tmp_path)
    assert report.exit_code == 1
    assert 'dtmf "2"' in report.failures[0].got
    assert report.duration_s < 10


def test_a_recovered_failure_leaves_the_verdict_untouched(tmp_path: Path) -> None:
    text = "on alice { call bob; expect held within 100ms else recover; release }\non bob { answer; expect hangup }\n"
    report, _ = run(text, tmp_path)
    assert report.passed
    assert len(report.lanes[0].recovered) == 1


def test_an_agent_that_nobody_calls_fails_its_lane(tmp_path: Path) -> None:
    text = "timeout 300ms\non alice { call bob; release }\non bob { answer; expect hangup }\non carol: answer\n"
    report, _ = run(text, tmp_path)
    assert [(lane.lane, lane.passed) for lane in report.lanes] == [("alice", True), ("bob", True), ("carol", False)]
    assert "nobody called" in report.failures[0].got


def test_a_check_without_a_measurement_fails(tmp_path: Path) -> None:
    text = "on alice { call bob; check media.mos >= 4 else recover; release }\non bob { answer; expect hangup }\n"
    report, _ = run(text, tmp_path)
    recovered = report.lanes[0].recovered
    assert [entry.code for entry in recovered] == ["SF504"]


def test_a_check_that_is_false_says_what_was_measured(tmp_path: Path) -> None:
    text = 'on alice { call bob; check media.codec == "PCMA"; release }\non bob { answer; expect hangup }\n'
    report, _ = run(text, tmp_path)
    assert report.exit_code == 1
    assert report.failures[0].got == 'media.codec is "PCMU"'


def test_hangup_in_the_middle_of_a_play_fails_it(tmp_path: Path) -> None:
    text = 'on alice { call bob; play "greet.wav" }\non bob { answer; wait 200ms; release }\n'
    report, _ = run(text, tmp_path)
    assert "the peer hung up (BYE)" in report.failures[0].got


def test_the_time_limit_of_the_run_releases_every_call(tmp_path: Path) -> None:
    text = "on alice { call bob; wait 1h }\non bob { answer; expect hangup within 2h }\n"
    report, events = run(text, tmp_path, timeout_s=0.5)
    assert report.exit_code == 1
    assert "time limit" in report.failures[0].got
    assert any(event["event"] == "CallReleased" for event in events)


def test_no_common_codec_is_a_failure_with_its_reason(tmp_path: Path) -> None:
    text = (
        "agent alice { codecs pcmu }\nagent bob { codecs pcma }\non alice: call bob\non bob { answer; expect hangup }\n"
    )
    report, _ = run(text, tmp_path)
    assert report.exit_code == 1
    assert any("488" in failure.got for failure in report.failures)


def test_a_port_in_use_is_the_machines_fault(tmp_path: Path) -> None:
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        text = f'agent alice {{ listen udp "127.0.0.1:{port}" }}\non alice: call bob\non bob: answer\n'
        report, _ = run(text, tmp_path)
    assert (report.verdict, report.exit_code) == ("error", 3)
    (problem,) = report.problems
    assert (problem.code, problem.agent, problem.line) == ("SF506", "alice", 1)
    assert f"port {port}" in problem.message
    assert "^^^" in "\n".join(verdict_lines(report, text))


def test_a_media_file_that_vanished_after_the_check_is_the_machines_fault(tmp_path: Path) -> None:
    text = 'let file = "nowhere.wav"\non alice { call bob; play file }\non bob { answer; expect hangup }\n'
    report, _ = run(text, tmp_path)
    assert report.exit_code == 3
    assert "nowhere.wav" in report.failures[0].got


def test_a_mistake_makes_diagnostics_and_no_call(tmp_path: Path) -> None:
    report, events = run("on alice: call bbo\non bob: answer\n", tmp_path)
    assert (report.exit_code, events) == (2, [])
    assert report.diagnostics[0].code == "SF203"


def test_a_variable_of_the_command_line_overrides_the_files(tmp_path: Path) -> None:
    text = (
        'let digit = "9"\non alice { call bob; expect dtmf digit }\non bob { answer; send dtmf "4"; expect hangup }\n'
    )
    report, _ = run(text, tmp_path, variables={"digit": "4"})
    assert report.passed, report.failures


def test_recordings_stay_inside_the_output_folder(tmp_path: Path) -> None:
    text = 'on alice { call bob; record "../../escape.wav" }\non bob { answer; expect hangup }\n'
    report, _ = run(text, tmp_path / "out")
    assert report.exit_code in (2, 3)
    assert not (tmp_path.parent / "escape.wav").exists()


def test_an_unnamed_recording_gets_the_documented_name(tmp_path: Path) -> None:
    text = "on alice { call bob; record; wait 300ms; release; expect recorded }\non bob { answer; expect hangup }\n"
    report, _ = run(text, tmp_path)
    assert report.passed, report.failures
    (file,) = (tmp_path / "recordings").iterdir()
    assert re.fullmatch(r"rec_alice_alice-1_\d{8}-\d{6}-\d{3}\.wav", file.name)


@pytest.mark.parametrize("jitter", ["fixed 60ms", "adaptive 60ms..120ms", "adaptive 20ms..30ms"])
def test_a_jitter_buffer_of_the_files_own_is_taken(jitter: str, tmp_path: Path) -> None:
    text = (
        f"agent bob {{ media {{ jitter {jitter} }} }}\n"
        'on alice { call bob; play "greet.wav" for 500ms; release }\n'
        "on bob { answer; expect hangup; check media.delay > 0ms; check media.loss == 0% }\n"
    )
    report, _ = run(text, tmp_path)
    assert report.passed, (report.failures, report.diagnostics)
