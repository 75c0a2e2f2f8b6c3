"""Time for clockless machines: how long each SIP timer runs, and one heap that knows who is due next."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Any

from sipflow.values import dataclass

_COMPACT_FROM = 512
"""Below this many cancelled entries a heap is not worth rebuilding."""


@dataclass(frozen=True, slots=True)
class TimerProfile:
    """Durations in seconds (RFC 3261 table 4); a value, so that two profiles can live in one process."""

    t1: float = 0.5
    """Estimate of the round-trip time; first retransmission interval."""
    t2: float = 4.0
    """Longest retransmission interval of non-INVITE requests and of INVITE responses."""
    t4: float = 5.0
    """Longest time that a message stays in the network."""
    d: float = 32.0
    """How long a client absorbs retransmitted final responses of a rejected INVITE over UDP; at least 32 s."""
    trying: float = 0.2
    """How long a server waits for the user's first response before it sends 100 Trying (section 17.2.1)."""

    @property
    def timeout(self) -> float:
        """64*T1: timers B, F, H, J, L, M, and how long a 2xx waits for its ACK (section 13.3.1.4)."""
        return 64 * self.t1


Callback = Callable[[Any, float], None]
Timer = list[Any]
"""A handle for `Timers.cancel`: [deadline, serial, callback or None, argument]. A list, because a heap of them
compares in C, and because cancelling is one store that lets go of everything the timer held."""


class Timers:
    """All deadlines of one user agent. Cancelling is lazy: dead entries leave when they reach the top, or when they
    outnumber the living."""

    __slots__ = ("_dead", "_heap", "_serial")

    def __init__(self) -> None:
        self._heap: list[Timer] = []
        self._serial = 0
        self._dead = 0

    def __len__(self) -> int:
        """Number of timers that still run."""
        return len(self._heap) - self._dead

    def start(self, deadline: float, callback: Callback, argument: Any = None) -> Timer:
        """Have `callback(argument, now)` called by the first `fire` at or after `deadline` (seconds)."""
        self._serial += 1
        timer = [deadline, self._serial, callback, argument]
        heapq.heappush(self._heap, timer)
        return timer

    def cancel(self, timer: Timer | None) -> None:
        """Stop a timer; one that fired or was cancelled before, and None, are fine."""
        if timer is None or timer[2] is None:
            return
        timer[2] = timer[3] = None
        self._dead += 1
        if self._dead > _COMPACT_FROM and self._dead * 2 > len(self._heap):
            self._compact()

    def next_deadline(self) -> float | None:
        """Time of the earliest running timer in seconds, None when there is none."""
        heap = self._heap
        while heap and heap[0][2] is None:
            heapq.heappop(heap)
            self._dead -= 1
        return heap[0][0] if heap else None

    def fire(self, now: float) -> None:
        """Call everything that is due, earliest first; what a callback starts for `now` or earlier is due, too."""
        heap = self._heap
        while heap and (heap[0][0] <= now or heap[0][2] is None):
            timer = heapq.heappop(heap)
            callback, argument = timer[2], timer[3]
            if callback is None:
                self._dead -= 1
                continue
            timer[2] = timer[3] = None
            callback(argument, now)

    def _compact(self) -> None:
        # In place: `fire` may be walking this very list when a callback cancels.
        self._heap[:] = [timer for timer in self._heap if timer[2] is not None]
        heapq.heapify(self._heap)
        self._dead = 0
