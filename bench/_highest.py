"""The highest rate that a pair of programs holds, found and proven within a time that is known before.

A machine without sockets: trials are functions, the clock is passed in. Probes of a few seconds bracket the rate, then
one proof that is longer than a transaction lives has to hold at it; one that fails is repeated a step lower. What there
was no time for, or what never held, is said with the answer: a table that lacks a proof is worth more than none.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

CLOSE_TO = 1.05
"""A rate that is not held is at most so many times the one that is."""
STEP_BACK = 1.15
"""By how much less is tried when a proof fails."""
START_UP_S = 3.0
"""What a trial takes beside its calls: programs that start, statistics that are written at the end."""


@dataclass(slots=True)
class Outcome:
    """What one side counted in one trial."""

    planned: int
    completed: int
    failed: int
    retransmissions: int
    elapsed_s: float
    cpu_s: float = 0.0
    """Processor time of sipflow's process."""

    @property
    def cost_us(self) -> float:
        """Of that for a call."""
        return 1e6 * self.cpu_s / max(self.completed, 1)

    @property
    def rate(self) -> float:
        """Completed calls a second."""
        return self.completed / self.elapsed_s if self.elapsed_s else 0.0

    def holds(self, wanted: float) -> bool:
        """Whether the rate was held: all calls completed in the planned time, and nothing had to be sent twice."""
        return self.failed == 0 and self.retransmissions == 0 and self.completed >= self.planned and (
            self.rate >= 0.95 * wanted
        )  # fmt: skip

    def __str__(self) -> str:
        return (
            f"{self.completed} of {self.planned} completed, {self.failed} failed, {self.retransmissions} sent again, "
            f"{self.rate:.0f}/s reached"
        )


Trial = Callable[[float, float], Outcome]
"""A rate in calls a second, for so many seconds."""


@dataclass(frozen=True, slots=True)
class Lengths:
    """Seconds that trials take."""

    probe: float
    proof: float


@dataclass(slots=True)
class Found:
    """What a search came to; rates in calls a second, 0 where none was."""

    probed: float = 0.0
    """The highest that a probe held."""
    proven: float = 0.0
    """The highest that a proof held."""
    outcome: Outcome | None = None
    """Of the proof, or of the last one that failed."""
    doubt: str = ""
    """What was not proven, and why; empty when all was."""


class Search:
    """One pair. Ends before `until` on its clock, give or take a trial that takes longer than it said."""

    def __init__(self, trial: Trial, lengths: Lengths, until: float, clock: Callable[[], float]) -> None:
        self._trial, self._lengths, self._until, self._clock = trial, lengths, until, clock
        self._ended_early = False

    def run(self, start: float) -> Found:
        """Bracket the rate by doubling or halving, close in, prove."""
        found = Found(probed=self._bracket(start))
        if not found.probed:
            found.doubt = "no rate held a probe" + (" in the time there was" if self._ended_early else "")
            return found
        self._prove(found)
        if self._ended_early:
            found.doubt = f"{found.doubt}; " * bool(found.doubt) + "the search had no time to come closer"
        return found

    def _bracket(self, start: float) -> float:
        low, high = 0.0, start
        while low == 0.0 and high >= 1.0:
            if self._ended_early:
                return 0.0
            if self._held(high):
                low = high
            else:
                high /= 2
        high = max(2 * low, high)
        while low == high / 2 >= start and self._held(high):
            low, high = high, 2 * high
        while 0 < CLOSE_TO * low < high and not self._ended_early:
            middle = (low * high) ** 0.5
            if self._held(middle):
                low = middle
            else:
                high = middle
        return low

    def _held(self, rate: float) -> bool:
        """A probe, and a second one when the first was spoiled: the machines are shared. Time for a proof is kept."""
        for _ in range(2):
            if not self._time_for(self._lengths.probe + START_UP_S + self._lengths.proof):
                self._ended_early = True
                return False
            if self._attempt(rate, self._lengths.probe).holds(rate):
                return True
        return False

    def _prove(self, found: Found) -> None:
        rate = found.probed
        while rate >= 1.0 and self._time_for(self._lengths.proof):
            found.outcome = self._attempt(rate, self._lengths.proof)
            if found.outcome.holds(rate):
                found.proven, found.doubt = rate, ""
                return
            found.doubt = f"not proven: at {rate:.0f}/s {found.outcome}"
            rate /= STEP_BACK
        found.doubt = found.doubt or f"no time for a proof of {self._lengths.proof:g} s"

    def _time_for(self, seconds: float) -> bool:
        return self._clock() + seconds + START_UP_S <= self._until

    def _attempt(self, rate: float, seconds: float) -> Outcome:
        outcome = self._trial(rate, seconds)
        held = "held" if outcome.holds(rate) else "not held"
        print(f"    {rate:8.0f}/s  {held}: {outcome}", file=sys.stderr, flush=True)
        return outcome


def table(found: dict[str, Found]) -> list[str]:
    """One line a pair, whatever was found; shares are of the first pair, proven of proven or else probed of probed."""
    lines = [f"{'pair':28} {'probed':>8} {'proven':>8} {'of SIPp':>18} {'µs a call':>10}"]
    yardstick = next(iter(found.values()), Found())
    for pair, one in found.items():
        cost = f"{one.outcome.cost_us:.0f}" if one.outcome is not None and one.outcome.cpu_s else "-"
        lines.append(
            f"{pair:28} {_rate(one.probed):>8} {_rate(one.proven):>8} {_share(one, yardstick):>18} {cost:>10}".rstrip()
        )
    return lines + [f"{pair}: {one.doubt}" for pair, one in found.items() if one.doubt]


def _rate(value: float) -> str:
    return f"{value:.0f}/s" if value else "-"


def _share(one: Found, yardstick: Found) -> str:
    if one.proven and yardstick.proven:
        return f"{one.proven / yardstick.proven:.0%}"
    return f"{one.probed / yardstick.probed:.0%} of the probes" if one.probed and yardstick.probed else "-"
