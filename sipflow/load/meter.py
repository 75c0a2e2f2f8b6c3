"""Folds what happens to the calls of one worker into metrics: a few additions an event, no text, no files."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sipflow import events
from sipflow.events import Payload
from sipflow.flow.outcome import LaneResult
from sipflow.ir.graph import Node
from sipflow.load.metrics import Metrics

_TIMES = re.compile(r" at [0-9.]+ s\b|\bwithin [0-9.]+ s\b")
_CALL_IDS = re.compile(r"\b([A-Za-z_]\w*)-[0-9]+\b")

_MEDIA = {
    "media.jitter": "jitter_mean_ms",
    "media.delay": "playout_delay_mean_ms",
    "media.round_trip": "round_trip_ms",
    "media.mos": "mos",
}
"""Measurements of a leg that are one value a call."""


@dataclass(slots=True)
class CallTimes:
    """What is remembered of one call while it lasts; times in seconds of the run."""

    outgoing: bool
    began: float
    """When it should have been sent (the planned start) or when it came."""
    sent: float
    responded: bool = False
    answered: bool = False
    ended: float | None = None


class Meter:
    """Gives what was counted since the last `take`."""

    def __init__(self) -> None:
        self._metrics = Metrics()
        self._takers: dict[type[Payload], Callable[[CallTimes, Any, float], None]] = {
            events.CallRinging: self._provisional,
            events.CallProgressed: self._provisional,
            events.CallAnswered: self._answered,
            events.CallRejected: self._rejected,
            events.CallConfirmed: self._confirmed,
            events.CallEnded: self._ended,
            events.CallReleased: self._released,
        }

    def take(self) -> Metrics:
        """The delta."""
        metrics, self._metrics = self._metrics, Metrics()
        return metrics

    @property
    def metrics(self) -> Metrics:
        """What is being counted; add to it."""
        return self._metrics

    # --- calls ---

    def placed(self, now: float, late: float) -> CallTimes:
        """A call was sent, `late` seconds after it should have been."""
        self._metrics.count("sip/attempts")
        return CallTimes(True, now - late, now)

    def came(self, now: float) -> CallTimes:
        """A call came."""
        self._metrics.count("sip/received")
        return CallTimes(False, now, now)

    def happened(self, call: CallTimes, payload: Payload, now: float) -> None:
        """An event of a call."""
        taker = self._takers.get(type(payload))
        if taker is not None:
            taker(call, payload, now)

    def _provisional(self, call: CallTimes, payload: Any, now: float) -> None:
        if call.outgoing and not call.responded:
            call.responded = True
            self._metrics.record("sip.request_delay", (now - call.sent) * 1000)
            self._metrics.record("sip.ring_time", (now - call.began) * 1000)

    def _answered(self, call: CallTimes, payload: events.CallAnswered, now: float) -> None:
        call.answered = True
        self._metrics.count("sip/answered")
        self._metrics.count(f"code/{payload.code}")
        self._metrics.record("sip.setup_time", (now - call.began) * 1000)
        if not call.responded:
            call.responded = True
            self._metrics.record("sip.request_delay", (now - call.sent) * 1000)

    def _rejected(self, call: CallTimes, payload: events.CallRejected, now: float) -> None:
        self._metrics.count("sip/rejected")
        self._metrics.count(f"code/{payload.code}")
        if payload.local:
            self._metrics.count(f"sip/unanswered/{payload.code}")

    def _confirmed(self, call: CallTimes, payload: Payload, now: float) -> None:
        self._metrics.count("sip/accepted")

    def _ended(self, call: CallTimes, payload: events.CallEnded, now: float) -> None:
        self._metrics.count(f"sip/ended/{payload.by}/{payload.cause}")
        if call.outgoing and not call.answered and (payload.by, payload.cause) == ("local", "error"):
            # A 200 came whose session description is of no use: it was an answer, whatever becomes of the call.
            call.answered = True
            self._metrics.count("sip/answered")
            self._metrics.count("code/200")
        if payload.by == "local" and payload.cause == "bye":
            call.ended = now

    def _released(self, call: CallTimes, payload: events.CallReleased, now: float) -> None:
        if call.ended is not None and payload.code == 200:
            self._metrics.record("sip.release_time", (now - call.ended) * 1000)
        elif call.ended is not None:
            self._metrics.count(f"sip/release_failed/{payload.code}")

    # --- media ---

    def measured(self, statistics: dict[str, Any]) -> None:
        """The media of a call that is over."""
        metrics = self._metrics
        sent, received = statistics["packets_sent"], statistics["packets_received"]
        metrics.count("media/legs")
        metrics.count("media/sent", sent)
        metrics.count("media/received", received)
        metrics.count("media/send_errors", statistics["send_errors"])
        metrics.count("media/socket_drops", statistics["socket_drops"])
        metrics.count("media/junk", statistics["junk_packets"])
        if sent and not received:
            metrics.count("media/one_way")
        expected = statistics["packets_expected"]
        if expected:
            lost, late = statistics["packets_lost"] or 0, statistics["packets_late"] or 0
            metrics.count("media/expected", expected)
            metrics.count("media/lost", lost)
            metrics.count("media/late", late)
            metrics.record("media.loss", 100 * lost / expected)
            metrics.record("media.late", 100 * late / expected)
        for name, key in _MEDIA.items():
            value = statistics.get(key)
            if value is not None:
                metrics.record(name, value)

    # --- steps and scenarios ---

    def step(self, node: Node, succeeded: bool, seconds: float) -> None:
        """A lane left a node by one of its edges."""
        self._metrics.record(f"step/{node.id}:{'success' if succeeded else 'failure'}", seconds * 1000)

    def not_started(self, why: str) -> None:
        """A call that was due did not begin."""
        self._metrics.count("planned")
        self._metrics.count("not_started")
        self._metrics.count(f"not_started/{why}")

    def started(self, late: float) -> None:
        """A call that was due began."""
        self._metrics.count("planned")
        self._metrics.count("started")
        self._metrics.record("generator.start_lateness", late * 1000)

    def over(self, results: tuple[LaneResult, ...], told: Callable[[str], str]) -> bool:
        """All lanes of a call are over; gives whether they passed. `told` takes secrets out of the cause."""
        passed = all(result.passed for result in results)
        self._metrics.count("ended" if passed else "failed")
        if not passed:
            self._metrics.cause(told(cause_of(results)))
        return passed


def cause_of(results: tuple[LaneResult, ...]) -> str:
    """Why a call failed: statement, line and what came instead, without what differs from call to call."""
    failures = [result.failure for result in results if result.failure is not None]
    first = min(failures, key=lambda failure: failure.time, default=None)
    if first is None:
        return "a lane did not come to its end"
    got = _CALL_IDS.sub(r"\1-*", _TIMES.sub("", first.failure.got)).replace(" ;", ";").strip()
    return f"{first.node.text} (line {first.node.span.line}): {got[:160]}"
