"""The verdict on the generator itself: whether what was measured can be laid to the other side.

VALID: the generator did what the plan says, when it says. DEGRADED: it was off so far that single values may be its
own; the run counts, the report says what was off. INVALID: the measurement is of the generator; nothing in it may be
laid to anybody else. A peer that is slow or drops calls never makes a generator worse than VALID: what is judged here
is only what happens on this side of the socket.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field

from sipflow.load.histogram import Histogram
from sipflow.load.machine import MachineUse
from sipflow.load.metrics import Metrics

TIMER_T1_S = 0.5
"""RFC 3261 section 17.1.1.1: what is not answered within T1 is sent again."""


class Standing(enum.IntEnum):
    """How far a generator can be believed, better before worse."""

    VALID = 0
    DEGRADED = 1
    INVALID = 2


@dataclass(frozen=True, slots=True)
class Symptom:
    """One thing that was looked at."""

    standing: Standing
    name: str
    text: str
    """What was measured, and what it may be; for a person."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The whole judgement."""

    symptoms: tuple[Symptom, ...] = ()

    @property
    def standing(self) -> Standing:
        """The worst of all."""
        return max((symptom.standing for symptom in self.symptoms), default=Standing.VALID)

    @property
    def causes(self) -> tuple[Symptom, ...]:
        """What was off, the worst first."""
        off = [symptom for symptom in self.symptoms if symptom.standing is not Standing.VALID]
        return tuple(sorted(off, key=lambda symptom: -symptom.standing))


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the judgement is made of."""

    metrics: Metrics
    lateness: Histogram = field(default_factory=Histogram)
    """Of every media packet, ms."""
    floor: Histogram = field(default_factory=Histogram)
    machine: MachineUse = field(default_factory=MachineUse)
    workers_lost: tuple[str, ...] = ()
    memory_bytes: int | None = None
    """Of the machine."""


def judge(evidence: Evidence) -> Verdict:
    """The verdict; the same evidence gives the same one."""
    found = (check(evidence) for check in _CHECKS)
    return Verdict(tuple(symptom for symptom in found if symptom is not None))


def _grade(value: float, degraded: float, invalid: float) -> Standing:
    return Standing.INVALID if value > invalid else Standing.DEGRADED if value > degraded else Standing.VALID


def _p99(evidence: Evidence, name: str) -> float | None:
    histogram = evidence.metrics.histograms.get(name)
    return None if histogram is None else histogram.statistic("p99")


def _start_lateness(evidence: Evidence) -> Symptom | None:
    late = _p99(evidence, "generator.start_lateness")
    if late is None:
        return None
    text = f"99 % of the calls began within {late:.1f} ms of their planned time; 20 ms are fine, beyond 100 ms not"
    return Symptom(_grade(late, 20, 100), "start lateness", text)


def _loop_lag(evidence: Evidence) -> Symptom | None:
    lag = _p99(evidence, "generator.loop_lag")
    if lag is None:
        return None
    text = f"99 % of the ticks of the event loops were at most {lag:.1f} ms late; 20 ms are fine, beyond 100 ms not"
    return Symptom(_grade(lag, 20, 100), "event loop lag", text)


def _media_lateness(evidence: Evidence) -> Symptom | None:
    late, floor = evidence.lateness.statistic("p99"), evidence.floor.statistic("p99") or 0.0
    if late is None:
        return None
    text = (
        f"99 % of the media packets were at most {late:.2f} ms late, and a thread that does nothing {floor:.2f} ms; "
        "2 ms more than that are fine, 10 ms more are not"
    )
    return Symptom(_grade(late - floor, 2, 10), "media lateness", text)


def _drops(evidence: Evidence) -> Symptom | None:
    dropped = evidence.metrics.get("generator/drops")
    of_machine = evidence.machine.udp_receive_drops
    calls = max(evidence.metrics.get("started"), 1)
    media = evidence.metrics.get("media/socket_drops")
    packets = max(evidence.metrics.get("media/received") + media, 1)
    text = (
        f"{dropped} SIP datagrams and {media} media packets were dropped because this side did not read them in time; "
        f"{of_machine} datagrams of all programs of the machine"
    )
    worst = max(_grade(dropped / calls, 0, 0.001), _grade(media / packets, 0, 0.001))
    return Symptom(worst, "socket drops", text)


def _send_errors(evidence: Evidence) -> Symptom | None:
    errors = evidence.metrics.get("generator/send_errors")
    calls = max(evidence.metrics.get("started"), 1)
    text = f"{errors} SIP datagrams were not taken by the kernel; beyond 1 for 1,000 calls the run does not count"
    return Symptom(_grade(errors / calls, 0, 0.001), "send errors", text)


def _steal(evidence: Evidence) -> Symptom | None:
    steal = evidence.machine.steal
    if steal is None:
        return None
    text = f"the host took {steal:.1%} of this machine's time away; 5 % are fine, beyond 20 % not"
    return Symptom(_grade(steal, 0.05, 0.20), "CPU steal", text)


def _memory(evidence: Evidence) -> Symptom | None:
    least, whole = evidence.machine.least_available_bytes, evidence.memory_bytes
    if least is None or not whole:
        return None
    used = 1 - least / whole
    text = f"at least {least / 2**20:.0f} MiB of memory were free, of {whole / 2**20:.0f}; 5 % are fine, below 2 % not"
    return Symptom(_grade(used, 0.95, 0.98), "memory", text)


def _own_retransmissions(evidence: Evidence) -> Symptom | None:
    """A message that is sent again while the answer waits in our own socket is our fault; a loop that was never held up
    for as long as T1 cannot have done that, and the peer was late."""
    lag = evidence.metrics.histograms.get("generator.loop_lag")
    longest = None if lag is None else lag.statistic("max")
    again, calls = evidence.metrics.get("sip/retransmissions_sent"), max(evidence.metrics.get("started"), 1)
    if longest is None:
        return None
    ours = longest / 1000 >= TIMER_T1_S
    text = f"{again} messages were sent again; the event loops were held up for {longest:.0f} ms at most, " + (
        "so that some answers may have waited here" if ours and again else "so that it was not their fault"
    )
    return Symptom(_grade(again / calls, 0, 0.01) if ours else Standing.VALID, "own retransmissions", text)


def _workers(evidence: Evidence) -> Symptom | None:
    if not evidence.workers_lost:
        return None
    text = "; ".join(evidence.workers_lost)
    return Symptom(Standing.INVALID, "workers", f"{text}: its calls are counted as lost, and were not run again")


_CHECKS: tuple[Callable[[Evidence], Symptom | None], ...] = (
    _workers, _start_lateness, _loop_lag, _media_lateness, _drops, _send_errors, _own_retransmissions, _steal, _memory,
)  # fmt: skip
