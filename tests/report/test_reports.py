"""Reports are folds over records: the same records, the same report, in every shape."""

from __future__ import annotations

import io
import json
from pathlib import Path

from junitparser import JUnitXml
from rich.console import Console

from sipflow import events
from sipflow.events import Payload, Record
from sipflow.report.console import ConsoleReporter
from sipflow.report.fold import Report, fold
from sipflow.report.junit import write_junit
from sipflow.report.serialise import EventsFile, record_to_json, report_to_json
from sipflow.report.verdict import headline, verdict_lines

SOURCE = 'on alice: call bob; expect dtmf "1" else release\n'


def record(time: float, payload: Payload, *, node: str = "", call: str = "") -> Record:
    return Record(time, "alice", call, node, 1 if node else 0, payload)


def failing_run() -> list[Record]:
    failed = events.NodeFailed(
        "alice", "SF501", 'expect dtmf "1"', 'dtmf "1"', "no digit came within 10 s", column=21, end_column=36
    )
    return [
        record(0, events.RunStarted("IVR", "ivr.sflow", "2026-01-01T00:00:00+00:00", "0.1.0", 0)),
        record(0, events.NodeStarted("call bob"), node="alice.1"),
        record(0, events.CallPlaced("alice-1", "bob"), node="alice.1", call="alice-1"),
        record(0.01, events.CallAnswered("alice-1"), node="alice.1", call="alice-1"),
        record(0.01, events.NodeSucceeded("answered after 0.010 s"), node="alice.1", call="alice-1"),
        record(0.01, events.NodeStarted('expect dtmf "1"'), node="alice.2", call="alice-1"),
        record(10.01, failed, node="alice.2", call="alice-1"),
        record(10.02, events.MediaMeasured("alice-1", {"codec": "PCMU", "packets_sent": 500}), call="alice-1"),
        record(10.02, events.RecordingFinished("alice-1", 3, "a.wav", 10_000), call="alice-1"),
        record(10.03, events.LaneEnded("alice", False, "no digit came within 10 s", 1), node="alice.2"),
        record(10.03, events.RunFinished("failed", 1, 10.03, {"failed": 1})),
    ]


def test_the_report_has_lanes_calls_and_recordings() -> None:
    report = fold(failing_run())
    assert (report.verdict, report.exit_code, report.passed) == ("failed", 1, False)
    assert [(lane.lane, lane.passed, lane.statements) for lane in report.lanes] == [("alice", False, 1)]
    assert report.failures[0].time_s == 10.01
    assert [(call.call, call.setup_ms, call.final_code) for call in report.calls] == [("alice-1", 10.0, 200)]
    assert [recording.path for recording in report.recordings] == ["a.wav"]


def test_a_recovered_failure_is_kept_but_decides_nothing() -> None:
    records = failing_run()[:7]
    records.append(record(10.02, events.NodeRecovered("alice", "alice.2"), node="alice.2.else.1"))
    records.append(record(10.03, events.LaneEnded("alice", True, "", 2)))
    (lane,) = fold(records).lanes
    assert (lane.passed, lane.failures, len(lane.recovered)) == (True, (), 1)


def test_a_stream_that_was_cut_is_never_green() -> None:
    assert not fold(failing_run()[:5]).passed
    assert not fold([]).passed


def test_the_verdict_points_at_the_statement() -> None:
    text = "\n".join(verdict_lines(fold(failing_run()), SOURCE))
    assert "error[SF501]" in text
    assert "--> ivr.sflow:1:21" in text
    assert '1 | on alice: call bob; expect dtmf "1" else release' in text
    assert "at 10.010 s, lane alice, call alice-1" in text
    assert "recording  a.wav  10.00 s" in text


def test_what_was_not_measured_is_a_dash() -> None:
    row = next(line for line in verdict_lines(fold(failing_run()), SOURCE) if line.startswith("alice-1"))
    assert row.split() == ["alice-1", "bob", "PCMU", "10.0", "ms", "500", "-", "-", "-", "-"]


def test_event_lines_are_one_object_each() -> None:
    stream = io.StringIO()
    for entry in failing_run():
        EventsFile(stream).take(entry)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["event"] for line in lines][:3] == ["RunStarted", "NodeStarted", "CallPlaced"]
    assert lines[6]["node"] == "alice.2"
    assert lines[6]["line"] == 1


def test_bytes_of_messages_are_text_in_json() -> None:
    sent = record_to_json(record(0, events.SipSent("alice-1", b"BYE sip:\xff SIP/2.0\r\n", ("127.0.0.1", 5060))))
    assert sent["data"] == "BYE sip:\\xff SIP/2.0\r\n"


def test_the_json_report_has_a_version() -> None:
    body = json.loads(json.dumps(report_to_json(fold(failing_run()))))
    assert (body["version"], body["verdict"], body["lanes"][0]["failures"][0]["code"]) == (1, "failed", "SF501")


def test_junit_has_a_case_for_each_lane_and_a_failure_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "junit.xml"
    write_junit([fold(failing_run())], path)
    (suite,) = JUnitXml.fromfile(str(path))
    (case,) = suite
    assert case.name == "alice"
    assert "no digit came" in case.result[0].message
    assert "ivr.sflow:1:21" in case.result[0].text


def test_junit_of_a_run_that_could_not_start_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "junit.xml"
    records = [
        record(0, events.Logged("UDP port 5060 is in use", "error")),
        record(0, events.RunFinished("error", 3, 0)),
    ]
    write_junit([fold(records)], path)
    (suite,) = JUnitXml.fromfile(str(path))
    assert suite.errors == 1


def test_plain_lines_without_a_terminal() -> None:
    stream = io.StringIO()
    console = Console(file=stream, width=200)
    with ConsoleReporter(console) as reporter:
        for entry in failing_run():
            reporter.take(entry)
    lines = stream.getvalue().splitlines()
    assert lines[0].split() == ["0.010", "alice", "✓", "call", "bob", "answered", "after", "0.010", "s"]
    assert "✗" in lines[1]


def test_the_headline_says_it_in_one_line() -> None:
    assert headline(fold(failing_run())) == "FAILED  IVR  1 lane, 1 failed, 10.03 s"
    assert headline(Report("", "a.sflow", "error", 3, 0.0, "", "", 0)) == "ERROR  a.sflow  0 lanes, 0.00 s"
