"""Reports are folds over records: the same records, the same report, in every shape."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from junitparser import JUnitXml
from rich.console import Console

from sipflow import events
from sipflow.events import Payload, Record
from sipflow.report.console import ConsoleReporter
from sipflow.report.fold import Report, fold
from sipflow.report.junit import write_junit
from sipflow.report.serialise import EventsFile, record_to_json, report_to_json
from sipflow.report.verdict import headline, summary, verdict_lines

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


@pytest.mark.parametrize(("errors", "told"), [(250, True), (3, False)])
def test_media_that_nobody_takes_is_told_of_below_the_table(errors: int, told: bool) -> None:
    """Not the packets that cross the end of a call."""
    report = fold(failing_run())
    media = {**(report.calls[0].media or {}), "send_errors": errors, "send_error": "Connection refused"}
    report = replace(report, calls=(replace(report.calls[0], media=media), *report.calls[1:]))
    lines = list(verdict_lines(report, SOURCE))
    line = f"alice-1: {errors} packets to the peer's media address were refused (Connection refused)"
    assert (line in lines) is told


def test_the_verdict_points_at_the_statement() -> None:
    text = "\n".join(verdict_lines(fold(failing_run()), SOURCE))
    assert "error[SF501]" in text
    assert "--> ivr.sflow:1:21" in text
    assert '1 | on alice: call bob; expect dtmf "1" else release' in text
    assert "at 10.010 s, lane alice, call alice-1" in text
    assert "recording  a.wav  10.00 s" in text


def test_what_was_not_measured_is_a_dash() -> None:
    row = next(line for line in verdict_lines(fold(failing_run()), SOURCE) if line.startswith("alice-1"))
    assert row.split() == ["alice-1", "bob", "PCMU", "10.0", "ms", "500", "-", "-", "-", "-", "-"]


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


def test_junit_has_what_was_measured_as_properties(tmp_path: Path) -> None:
    measured = events.MediaMeasured("alice-1", {"codec": "PCMU", "mos": 4.3721, "loss": 0.0, "skew_ppm": None})
    records = [one for one in failing_run() if not isinstance(one.event, events.MediaMeasured)]
    records.insert(-1, record(10.02, measured, call="alice-1"))
    write_junit([fold(records)], tmp_path / "junit.xml")
    (suite,) = JUnitXml.fromfile(str(tmp_path / "junit.xml"))
    found = {prop.name: prop.value for prop in suite.properties()}
    assert found == {"alice-1.mos": "4.372", "alice-1.loss": "0"}  # what was not measured has no property


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


def imported_failure() -> Report:
    failed = events.NodeFailed(
        "alice", "SF501", 'expect dtmf "1"', 'dtmf "1"', "no digit came within 10 s", column=3, end_column=18,
        source="common.sflow", via=(("ivr.sflow", 12), ("common.sflow", 9)),
    )  # fmt: skip
    records = failing_run()
    records[6] = Record(10.01, "alice", "alice-1", "alice.2", 2, failed)
    return fold(records)


def test_a_failure_in_an_imported_definition_shows_its_line_and_who_called_it() -> None:
    others = {"common.sflow": 'define menu() {\n  expect dtmf "1"\n}\n'}
    text = "\n".join(verdict_lines(imported_failure(), SOURCE, others.__getitem__))
    assert "--> common.sflow:2:3" in text
    assert ' 2 |   expect dtmf "1"' in text
    assert text.index("called at common.sflow:9") < text.index("called at ivr.sflow:12")
    assert SOURCE.strip() not in text


def test_a_failure_in_a_file_that_cannot_be_read_any_more_still_has_its_place() -> None:
    assert "--> common.sflow:2:3" in "\n".join(verdict_lines(imported_failure(), SOURCE))


def test_json_and_junit_name_the_file_of_a_failure(tmp_path: Path) -> None:
    report = imported_failure()
    failure = json.loads(json.dumps(report_to_json(report)))["lanes"][0]["failures"][0]
    assert (failure["source"], failure["via"]) == ("common.sflow", [["ivr.sflow", 12], ["common.sflow", 9]])
    write_junit([report], tmp_path / "junit.xml")
    (suite,) = JUnitXml.fromfile(str(tmp_path / "junit.xml"))
    (case,) = suite
    assert case.result[0].text.startswith("common.sflow:2:3: ")


def test_an_agent_that_is_refused_is_shown_in_its_own_file() -> None:
    refused = events.AgentRefused("SF506", "UDP port 5060 is in use", 7, 12, "common.sflow")
    report = fold([record(0, events.RunStarted("", "ivr.sflow", "", "", 0)), Record(0, "desk", "", "", 1, refused)])
    text = "\n".join(verdict_lines(report, SOURCE, lambda _: "agent desk { listen udp 5060 }\n"))
    assert "--> common.sflow:1:7" in text and "1 | agent desk" in text


def run_of_row(row: int, exit_code: int) -> Report:
    verdict = "passed" if exit_code == 0 else "failed"
    started = events.RunStarted("IVR", "ivr.sflow", "", "", 0, rows={"users": row})
    return fold([record(0, started), record(1, events.RunFinished(verdict, exit_code, 1.0))])


def test_a_run_says_which_rows_it_took() -> None:
    report = run_of_row(3, 0)
    assert headline(report) == "PASSED  IVR (users row 3)  0 lanes, 1.00 s"
    assert report_to_json(report)["rows"] == {"users": 3}


def test_several_runs_have_a_line_of_their_own() -> None:
    assert summary([run_of_row(1, 0), run_of_row(2, 0)]) == "PASSED  2 of 2 runs passed"
    runs = [run_of_row(1, 0), run_of_row(2, 1), run_of_row(3, 0)]
    assert summary(runs) == "FAILED  2 of 3 runs passed; not passed: run 2, IVR (users row 2)"


def test_junit_has_a_suite_for_each_run(tmp_path: Path) -> None:
    write_junit([run_of_row(1, 0), run_of_row(2, 1)], tmp_path / "junit.xml")
    suites = list(JUnitXml.fromfile(str(tmp_path / "junit.xml")))
    assert [suite.name for suite in suites] == ["IVR (users row 1)", "IVR (users row 2)"]
    assert [suite.errors for suite in suites] == [0, 1]


def test_the_headline_says_it_in_one_line() -> None:
    assert headline(fold(failing_run())) == "FAILED  IVR  1 lane, 1 failed, 10.03 s"
    assert headline(Report("", "a.sflow", "error", 3, 0.0, "", "", 0)) == "ERROR  a.sflow  0 lanes, 0.00 s"
