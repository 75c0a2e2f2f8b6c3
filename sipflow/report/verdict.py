"""The end of a report as text: what failed and why, what was measured, where the recordings lie."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sipflow.ir.span import Span
from sipflow.lang.diagnostics import Diagnostic, Severity, render
from sipflow.report.fold import CallReport, FailedStatement, LaneReport, Report

_WORDS = {"passed": "PASSED", "failed": "FAILED", "error": "ERROR", "interrupted": "INTERRUPTED"}


Texts = Callable[[str], str]
"""The text of a source by its name; empty when it cannot be had."""


def verdict_lines(report: Report, source_text: str, others: Texts = lambda _: "") -> Iterator[str]:
    """Plain text, without colours, in the order in which a person wants to know it.

    `source_text` is the scenario, `others` gives the texts of what it imports.
    """

    def text_of(source: str) -> str:
        return source_text if source == report.source else others(source)

    for problem in report.problems:
        source = problem.source or report.source
        span = Span(source, problem.line, problem.column, problem.line, problem.end_column)
        yield render(Diagnostic(problem.code, Severity.ERROR, problem.message, span), text_of(source))
    for lane in report.lanes:
        yield from _lane_lines(lane, report.source, text_of)
    yield from _call_lines(report)
    for recording in report.recordings:
        fault = f"  NOT WHOLE: {recording.error}" if recording.error else ""
        yield f"recording  {recording.path}  {recording.duration_ms / 1000:.2f} s{fault}"
    yield headline(report)


def headline(report: Report) -> str:
    """`PASSED  IVR main menu  2 lanes, 4.21 s`."""
    if report.diagnostics:
        return f"{_WORDS[report.verdict]}  {report.source}  nothing was run: the file is wrong"
    lanes = f"{len(report.lanes)} lane{'' if len(report.lanes) == 1 else 's'}"
    failed = sum(not lane.passed for lane in report.lanes)
    wrong = f", {failed} failed" if failed else ""
    name = name_of(report)
    took = f"{report.duration_s:.2f} s{_of_virtual_time(report)}"
    return f"{_WORDS.get(report.verdict, report.verdict)}  {name}  {lanes}{wrong}, {took}"


def _of_virtual_time(report: Report) -> str:
    """With what repeats it, for whoever looks for the reason."""
    if not report.virtual:
        return ""
    return f" of virtual time (seed {report.seed}{f', {report.network}' if report.network else ''})"


def summary(reports: list[Report]) -> str:
    """`FAILED  3 of 4 runs passed; not passed: users row 2`: the last line after several runs."""
    passed = sum(report.passed for report in reports)
    others = [_run_name(number, report) for number, report in enumerate(reports, 1) if not report.passed]
    word = _WORDS[max(reports, key=lambda report: report.exit_code).verdict]
    wrong = f"; not passed: {', '.join(others)}" if others else ""
    return f"{word}  {passed} of {len(reports)} runs passed{wrong}"


def _run_name(number: int, report: Report) -> str:
    return f"run {number}, {name_of(report)}"


def name_of(report: Report) -> str:
    """What a report is about: the scenario, and the rows of its tables that the run took."""
    rows = ", ".join(f"{table} row {row}" for table, row in report.rows.items())
    return f"{report.scenario or report.source}{f' ({rows})' if rows else ''}"


def failure_diagnostic(failed: FailedStatement, source: str, also: tuple[FailedStatement, ...] = ()) -> Diagnostic:
    """A failed statement in the shape of every other diagnostic: it points at the line that expected otherwise."""
    span = Span(failed.source or source, failed.line, failed.column, failed.line, failed.end_column)
    call = f", call {failed.call}" if failed.call else ""
    notes = [f"at {failed.time_s:.3f} s, lane {failed.lane}{call}"]
    notes += [f"called at {file or source}:{line}" for file, line in reversed(failed.via)]
    notes += [f"after that `{other.statement}` failed, too: {other.got}" for other in also]
    return Diagnostic(
        code=failed.code,
        severity=Severity.ERROR,
        message=f"expected {failed.expected}, but {failed.got}",
        span=span,
        label=failed.got,
        help="\n".join(notes),
    )


def _lane_lines(lane: LaneReport, source: str, texts: Texts) -> Iterator[str]:
    if lane.failures:
        first, *also = lane.failures
        yield render(failure_diagnostic(first, source, tuple(also)), texts(first.source or source))
    elif not lane.passed:
        yield f"lane {lane.lane} did not come to its end"


def _call_lines(report: Report) -> Iterator[str]:
    rows = [_call_row(call) for call in report.calls if call.answered or call.media]
    if not rows:
        return
    header = ("call", "peer", "codec", "set-up", "sent", "received", "lost", "jitter", "concealed", "MOS")
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    for row in [header, *rows]:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
    yield from filter(None, map(_refused_media, report.calls))
    yield from filter(None, map(_unplayable_media, report.calls))
    yield ""


REFUSED_AT_LEAST = 10
"""Packets; a few are refused at the end of most calls, when the peer has closed its port and its BYE is under way."""


def _refused_media(call: CallReport) -> str:
    """That nobody listens where the peer wants its media; empty when somebody does."""
    media = call.media or {}
    refused = media.get("send_errors") or 0
    if refused < REFUSED_AT_LEAST:
        return ""
    return f"{call.call}: {refused} packets to the peer's media address were refused ({media.get('send_error')})"


def _unplayable_media(call: CallReport) -> str:
    """That packets came which nobody could play; empty when none did."""
    unplayable = (call.media or {}).get("unplayable_packets") or 0
    if not unplayable:
        return ""
    packets = "a packet was" if unplayable == 1 else f"{unplayable} packets were"
    return f"{call.call}: {packets} not heard: longer than 120 ms, or no whole frames of the codec"


def _call_row(call: CallReport) -> tuple[str, ...]:
    media = call.media or {}
    return (
        call.call,
        call.peer,
        str(media.get("codec") or "-"),
        "-" if call.setup_ms is None else f"{call.setup_ms:.1f} ms",
        _cell(media.get("packets_sent")),
        _cell(media.get("packets_received")),
        _cell(media.get("packets_lost")),
        _cell(media.get("jitter_ms"), " ms"),
        _cell(media.get("concealed_ms"), " ms"),
        _cell(media.get("mos")),
    )


def _cell(value: Any, unit: str = "") -> str:
    """What was not measured is a dash, never a zero."""
    if value is None:
        return "-"
    return f"{value:.2f}{unit}" if isinstance(value, float) else f"{value}{unit}"
