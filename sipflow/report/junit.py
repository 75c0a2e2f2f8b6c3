"""JUnit XML, as CI servers read it: a test suite for a scenario, a test case for a lane."""

from __future__ import annotations

from pathlib import Path

from junitparser import Error, Failure, JUnitXml, TestCase, TestSuite

from sipflow.flow.outcome import ENVIRONMENT
from sipflow.report.fold import FailedStatement, LaneReport, Report
from sipflow.report.text import printable
from sipflow.report.verdict import name_of

QUALITY = (
    *("codec_received", "mos", "r_factor", "mouth_to_ear_ms", "loss", "max_loss_burst", "bursts", "burst_ms"),
    *(
        "burst_density",
        "gap_ms",
        "gap_density",
        "packets_late",
        "packets_reordered",
        "packets_duplicate",
        "jitter_mean_ms",
    ),
    *("jitter_max_ms", "playout_delay_mean_ms", "concealed_ms", "skew_ppm", "one_way", "silence_ms", "silence_share"),
    *("clipping", "audio_level_dbov", "round_trip_ms", "remote_loss", "remote_jitter_ms"),
)
"""Keys of `sipflow.media.LegStatistics` that become properties."""


def write_junit(reports: list[Report], path: Path) -> None:
    """Write all `reports` into one file."""
    document = JUnitXml("sipflow")
    for report in reports:
        document.add_testsuite(_suite(report))
    document.write(str(path), pretty=True)


def _suite(report: Report) -> TestSuite:
    suite = TestSuite(name_of(report))
    suite.timestamp = report.started
    _add_measurements(suite, report)
    if report.virtual:
        suite.add_property("virtual time", f"seed {report.seed}{f', {report.network}' if report.network else ''}")
    for lane in report.lanes:
        suite.add_testcase(_case(report, lane))
    if not report.lanes or (not report.passed and all(lane.passed for lane in report.lanes)):
        suite.add_testcase(_run_case(report))
    suite.time = round(report.duration_s, 3)
    return suite


def _add_measurements(suite: TestSuite, report: Report) -> None:
    """A property for each number that says how a call sounded, as `alice-1.mos`; what was not measured has none."""
    for call in report.calls:
        for name in QUALITY:
            value = (call.media or {}).get(name)
            if value is not None:
                suite.add_property(f"{call.call}.{name}", _plain(value))


def _plain(value: object) -> str:
    """Four digits that count, never as a power of ten."""
    if not isinstance(value, float):
        return str(value)
    return f"{value:.0f}" if abs(value) >= _FOUR_DIGITS else f"{value:.4g}"


_FOUR_DIGITS = 1000


def _case(report: Report, lane: LaneReport) -> TestCase:
    case = TestCase(lane.lane, classname=report.source, time=round(report.duration_s, 3))
    if not lane.passed:
        case.result = [_failure(report, failed) for failed in lane.failures] or [Failure(report.verdict)]
    return case


def _failure(report: Report, failed: FailedStatement) -> Failure | Error:
    """An error where the machine is to blame, not the system under test."""
    kind = Error if failed.code == ENVIRONMENT else Failure
    failure = kind(printable(f"expected {failed.expected}, but {failed.got}"), failed.code)
    where = f"{failed.source or report.source}:{failed.line}:{failed.column}"
    failure.text = printable(f"{where}: {failed.statement} (at {failed.time_s:.3f} s)")
    return failure


def _run_case(report: Report) -> TestCase:
    """The file or the machine was wrong: no lane could show it."""
    case = TestCase("run", classname=report.source, time=round(report.duration_s, 3))
    texts = [text for _, _, level, text in report.logs if level == "error"]
    texts += [
        f"{problem.code}: {problem.source or report.source}:{problem.line}: {problem.message}"
        for problem in report.problems
    ]
    texts += [f"{diagnostic.code}: {diagnostic.message}" for diagnostic in report.diagnostics]
    if not report.passed:
        case.result = [Error(printable("; ".join(texts)) or report.verdict, report.verdict)]
    return case
