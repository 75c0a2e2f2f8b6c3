"""The way from one place to another: when what is sent arrives, and whether it does. Pure: told the time, seeded."""

from __future__ import annotations

import random

from sipflow.plan.network import REORDER_MS, NetworkConditions

AT_LEAST_S = 1e-6
"""Between two arrivals: so that what a path keeps in order is told in order."""

RESEND_S = 0.2
"""How long a lost segment of a connection waits until it is sent again, twice as long each time (RFC 6298 asks for a
second at first; systems take 0.2)."""

MOST_RESENDS = 8


class Path:
    """What one socket sends to one place. Every datagram draws the same number of random numbers, whatever its fate."""

    def __init__(self, conditions: NetworkConditions, numbers: random.Random) -> None:
        self._conditions = conditions
        self._draw = numbers.random
        self._latest = 0.0
        """When the last one arrives that keeps its place."""

    def datagram(self, now: float) -> tuple[float, ...]:
        """When a datagram that is sent now arrives: once, twice, or never."""
        conditions = self._conditions
        lost, doubled, held = (
            self._draw() < share for share in (conditions.loss, conditions.duplicate, conditions.reorder)
        )
        delay_s = self._delay_s()
        if lost:
            return ()
        arrival = max(now + delay_s, self._latest + AT_LEAST_S)
        if held:
            arrival += REORDER_MS / 1000
        else:
            self._latest = arrival
        return (arrival, arrival + AT_LEAST_S) if doubled else (arrival,)

    def segment(self, now: float) -> float:
        """When bytes of a connection arrive that are sent now: late rather than never, and in order."""
        delay_s, wait_s = self._delay_s(), RESEND_S
        for _ in range(MOST_RESENDS):
            if self._draw() >= self._conditions.loss:
                break
            delay_s += wait_s
            wait_s *= 2
        self._latest = max(now + delay_s, self._latest + AT_LEAST_S)
        return self._latest

    def _delay_s(self) -> float:
        return (self._conditions.delay_ms + self._conditions.jitter_ms * self._draw()) / 1000
