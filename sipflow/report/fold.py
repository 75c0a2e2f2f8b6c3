"""The report of a run as a value, folded out of its records and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sipflow import events
from sipflow.events import Record


@dataclass(frozen=True, slots=True)
class FailedStatement:
    """A statement that failed, with where, when, what was expected and what came."""

    lane: str
    agent: str
    call: str
    node: str
    line: int
    column: int
    end_column: int
    code: str
    statement: str
    expected: str
    got: str
    time_s: float
    """Seconds since the run started."""
    source: str = ""
    """Text that the line is in, empty for the report's own."""
    via: tuple[tuple[str, int], ...] = ()
    """(source, line) of the calls of definitions through which the statement came, the outermost first."""


@dataclass(frozen=True, slots=True)
class LaneReport:
    """One lane."""

    lane: str
    agent: str
    passed: bool
    statements: int
    """How many statements succeeded."""
    failures: tuple[FailedStatement, ...] = ()
    """The one that decided first, then those inside its `else`."""
    recovered: tuple[FailedStatement, ...] = ()
    """Failures that were provided for."""


@dataclass(frozen=True, slots=True)
class DigitReport:
    """One DTMF digit of a call."""

    direction: str
    """sent or received."""
    digit: str
    time_s: float
    """When it was over, in seconds since the run started."""
    duration_ms: int
    via: str
    """rfc4733, inband, info."""
    level_dbm0: int | None
    """Power, -63 to 0; None by INFO."""


@dataclass(frozen=True, slots=True)
class CallReport:
    """One call of one agent: what SIP said, and what was measured on its media."""

    call: str
    agent: str
    peer: str
    outgoing: bool
    answered: bool
    final_code: int | None
    """Code of the final response to the INVITE, None when none came."""
    setup_ms: float | None
    """INVITE to final 2xx on the side that called; INVITE to our 200's ACK on the other. None when not answered."""
    ended_by: str
    media: dict[str, Any] | None
    """Statistics by name, units in the names; None for a call that had no media."""
    digits: tuple[DigitReport, ...] = ()
    """All that were sent and received, in the order in which they were told."""


@dataclass(frozen=True, slots=True)
class RecordingReport:
    """One recording."""

    agent: str
    call: str
    path: str
    duration_ms: int
    error: str
    began_s: float | None = None
    """When its first sample was sent and heard, in seconds since the run started; None when it has none."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What the machine does not grant, at the line that asks for it."""

    code: str
    agent: str
    message: str
    line: int
    column: int
    end_column: int
    source: str = ""
    """Text that the line is in, empty for the report's own."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a run was found to be. `exit_code` is 0 only when every lane came to its end by success edges."""

    scenario: str
    source: str
    verdict: str
    """passed, failed, error, interrupted."""
    exit_code: int
    duration_s: float
    started: str
    version: str
    seed: int
    lanes: tuple[LaneReport, ...] = ()
    calls: tuple[CallReport, ...] = ()
    recordings: tuple[RecordingReport, ...] = ()
    problems: tuple[Problem, ...] = ()
    """Why nothing was run, when the machine is to blame."""
    logs: tuple[tuple[float, str, str, str], ...] = ()
    """(seconds, agent, level, text)"""
    diagnostics: tuple[Any, ...] = ()
    """`sipflow.lang` diagnostics when the file was wrong and nothing ran."""
    rows: dict[str, int] = field(default_factory=dict)
    """Which row of each table the run took, from 1."""
    virtual: bool = False
    """Whether its time was virtual; `seed` and `network` repeat it then."""
    network: str = ""
    """Conditions of the network in virtual time, as `--network` takes them; empty: no faults."""

    @property
    def passed(self) -> bool:
        """Whether the scenario passed."""
        return self.exit_code == 0

    @property
    def failures(self) -> tuple[FailedStatement, ...]:
        """The statements that decided, one for every failed lane."""
        return tuple(lane.failures[0] for lane in self.lanes if lane.failures)


@dataclass(slots=True)
class _Lane:
    agent: str
    passed: bool = False
    statements: int = 0
    failures: list[FailedStatement] = field(default_factory=list)
    recovered: list[FailedStatement] = field(default_factory=list)


@dataclass(slots=True)
class _Call:
    agent: str
    peer: str
    outgoing: bool
    since: float
    answered_at: float | None = None
    code: int | None = None
    ended_by: str = ""
    media: dict[str, Any] | None = None
    digits: list[DigitReport] = field(default_factory=list)


class ReportFold:
    """Takes records one by one; `report` gives the value at any time."""

    def __init__(self) -> None:
        self._started: events.RunStarted | None = None
        self._finished: events.RunFinished | None = None
        self._lanes: dict[str, _Lane] = {}
        self._calls: dict[str, _Call] = {}
        self._recordings: list[RecordingReport] = []
        self._problems: list[Problem] = []
        self._logs: list[tuple[float, str, str, str]] = []
        self._time = 0.0

    def take(self, record: Record) -> None:
        """Take one record."""
        self._time = max(self._time, record.time)
        match record.event:
            case events.RunStarted() as started:
                self._started = started
            case events.RunFinished() as finished:
                self._finished = finished
            case events.Logged(text=text, level=level):
                self._logs.append((record.time, record.agent, level, text))
            case events.AgentRefused() as refused:
                self._problems.append(_problem(record, refused))
            case events.RecordingFinished() as recording:
                self._recordings.append(
                    RecordingReport(
                        record.agent, record.call, recording.path, recording.duration_ms, recording.error,
                        recording.began_s,
                    )
                )  # fmt: skip
            case events.LaneStarted() | events.NodeFailed() | events.NodeRecovered() | events.LaneEnded():
                self._take_lane(record)
            case _:
                self._take_call(record)

    def _take_lane(self, record: Record) -> None:
        match record.event:
            case events.LaneStarted(lane=lane_id):
                self._lane(lane_id, record.agent)
            case events.NodeFailed() as failed:
                self._lane(failed.lane, record.agent).failures.append(_failed(record, failed))
            case events.NodeRecovered(lane=lane_id, failed_node=node):
                _recover(self._lane(lane_id, record.agent), node)
            case events.LaneEnded(lane=lane_id, passed=passed, statements=statements):
                lane = self._lane(lane_id, record.agent)
                lane.passed, lane.statements = passed, statements
            case _:
                pass

    def _take_call(self, record: Record) -> None:
        event = record.event
        if isinstance(event, events.CallPlaced):
            self._calls[event.call] = _Call(record.agent, event.target, True, record.time)
        elif isinstance(event, events.CallIncoming):
            self._calls[event.call] = _Call(record.agent, event.from_uri, False, record.time)
        elif record.call in self._calls:
            _update_call(self._calls[record.call], event, record.time)

    def report(self) -> Report:
        """The report as far as records have come."""
        started = self._started or events.RunStarted("", "", "", "", 0)
        finished = self._finished or events.RunFinished("error", 3, self._time)
        return Report(
            scenario=started.scenario,
            source=started.source,
            verdict=finished.verdict,
            exit_code=finished.exit_code,
            duration_s=finished.duration_s,
            started=started.wallclock,
            version=started.version,
            seed=started.seed,
            lanes=tuple(_lane_report(name, lane) for name, lane in self._lanes.items()),
            calls=tuple(_call_report(name, call) for name, call in self._calls.items()),
            recordings=tuple(self._recordings),
            problems=tuple(self._problems),
            logs=tuple(self._logs),
            rows=started.rows,
            virtual=started.virtual,
            network=started.network,
        )

    def _lane(self, name: str, agent: str) -> _Lane:
        return self._lanes.setdefault(name, _Lane(agent))


def fold(records: Iterable[Record]) -> Report:
    """The report of a whole stream."""
    folding = ReportFold()
    for record in records:
        folding.take(record)
    return folding.report()


def _recover(lane: _Lane, node: str) -> None:
    """The newest failure of that node was provided for."""
    for failed in reversed(lane.failures):
        if failed.node == node:
            lane.failures.remove(failed)
            lane.recovered.append(failed)
            return


def _update_call(call: _Call, event: events.Payload, time: float) -> None:
    match event:
        case events.CallAnswered(code=code):
            call.answered_at, call.code = time, code
        case events.CallConfirmed():
            call.answered_at, call.code = time, 200
        case events.CallRejected(code=code, local=local):
            call.code = None if local else code
            call.ended_by = "local" if local else "remote"
        case events.CallEnded(by=by):
            call.ended_by = by
        case events.MediaMeasured(statistics=statistics):
            call.media = statistics
        case events.DigitSent(ago_ms=ago_ms):
            call.digits.append(_digit("sent", event, time - ago_ms / 1000))
        case events.DtmfReceived():
            call.digits.append(_digit("received", event, time))
        case _:
            pass


def _digit(direction: str, event: events.DigitSent | events.DtmfReceived, time: float) -> DigitReport:
    time_s = round(max(time, 0.0), 6)
    return DigitReport(direction, event.digit, time_s, event.duration_ms, event.via, event.level_dbm0)


def _problem(record: Record, refused: events.AgentRefused) -> Problem:
    return Problem(
        refused.code, record.agent, refused.message, record.line, refused.column, refused.end_column, refused.source
    )  # fmt: skip


def _failed(record: Record, failed: events.NodeFailed) -> FailedStatement:
    return FailedStatement(
        lane=failed.lane,
        agent=record.agent,
        call=record.call,
        node=record.node,
        line=record.line,
        column=failed.column,
        end_column=failed.end_column,
        code=failed.code,
        statement=failed.statement,
        expected=failed.expected,
        got=failed.got,
        time_s=round(record.time, 6),
        source=failed.source,
        via=failed.via,
    )


def _lane_report(name: str, lane: _Lane) -> LaneReport:
    return LaneReport(name, lane.agent, lane.passed, lane.statements, tuple(lane.failures), tuple(lane.recovered))


def _call_report(name: str, call: _Call) -> CallReport:
    setup_ms = None if call.answered_at is None else round((call.answered_at - call.since) * 1000, 3)
    return CallReport(
        name, call.agent, call.peer, call.outgoing, call.answered_at is not None, call.code, setup_ms, call.ended_by,
        call.media, tuple(call.digits),
    )  # fmt: skip
