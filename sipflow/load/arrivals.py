"""When calls begin: an open loop, known before the first one, whatever becomes of the others.

Call number k begins when the integral of the rate reaches the k-th *mass*: k for uniform arrivals, the sum of k
exponential waits of mean 1 for Poisson's. So every worker can compute the times of its own stripe, and a rate that
changes while it runs changes the curve from then on and nothing else.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

ENDLESS = math.inf


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of the curve: the rate goes evenly from `first` to `last` calls a second."""

    first: float
    last: float
    duration_s: float

    @property
    def mass(self) -> float:
        """How many calls begin in it."""
        if self.duration_s == ENDLESS:
            return 0.0 if self.first == 0 else ENDLESS
        return (self.first + self.last) / 2 * self.duration_s

    def rate_at(self, seconds: float) -> float:
        """The rate so many seconds after its beginning."""
        if self.duration_s in (0, ENDLESS):
            return self.first
        return self.first + (self.last - self.first) * seconds / self.duration_s

    def time_of(self, mass: float) -> float:
        """Seconds after its beginning until so many calls have begun, not above `mass`."""
        slope = 0.0 if self.duration_s in (0, ENDLESS) else (self.last - self.first) / self.duration_s
        if slope == 0:
            return mass / self.first if self.first else 0.0
        root = math.sqrt(max(self.first * self.first + 2 * slope * mass, 0.0))
        # The stable form of (root - first) / slope; a ramp that begins at rest has no first rate.
        return 2 * mass / (self.first + root) if self.first + root else 0.0

    def split(self, seconds: float) -> tuple[Segment, Segment]:
        """The part before and the part after."""
        middle = self.rate_at(seconds)
        return replace(self, last=middle, duration_s=seconds), replace(
            self, first=middle, duration_s=self.duration_s - seconds
        )


@dataclass(frozen=True, slots=True)
class Curve:
    """The rate over the time of a run, in seconds since its start."""

    segments: tuple[Segment, ...]

    @property
    def duration_s(self) -> float:
        """How long new calls begin."""
        return sum(segment.duration_s for segment in self.segments)

    @property
    def mass(self) -> float:
        """How many calls that makes."""
        return sum(segment.mass for segment in self.segments)

    @property
    def peak(self) -> float:
        """The highest rate, calls a second."""
        return max((max(segment.first, segment.last) for segment in self.segments), default=0.0)

    def rate_at(self, seconds: float) -> float:
        """The rate at a time; 0 behind the end."""
        for segment in self.segments:
            if seconds < segment.duration_s:
                return segment.rate_at(seconds)
            seconds -= segment.duration_s
        return 0.0

    def mass_until(self, seconds: float) -> float:
        """How many calls are to begin before a time."""
        return self._cut(seconds)[0].mass

    def planned_in(self, second: int) -> float:
        """How many calls are to begin in a second: the mean of the rate, where that changes in it."""
        return self.mass_until(second + 1) - self.mass_until(second)

    def time_of(self, mass: float) -> float | None:
        """When so many calls have begun; None when the curve has not so many."""
        start = 0.0
        for segment in self.segments:
            if segment.mass and mass <= segment.mass:
                return start + segment.time_of(mass)
            mass -= segment.mass
            start += segment.duration_s
        return None

    def scaled(self, since: float, factor: float) -> Curve:
        """With all rates multiplied from a time on."""
        before, after = self._cut(since)
        louder = (replace(one, first=one.first * factor, last=one.last * factor) for one in after.segments)
        return Curve((*before.segments, *louder))

    def held(self, since: float, rate: float) -> Curve:
        """At one rate from a time on, for as long as the plan would have gone on; a pause stays one."""
        before, after = self._cut(since)
        left = sum(segment.duration_s for segment in after.segments if segment != _REST)
        rest = (_REST,) if _REST in after.segments else ()
        return Curve((*before.segments, *rest, Segment(rate, rate, left)))

    def paused(self, since: float) -> Curve:
        """At rest from a time on; what was to come waits for `resumed`."""
        before, after = self._cut(since)
        return Curve((*before.segments, _REST, *after.segments))

    def resumed(self, at: float) -> Curve:
        """Goes on after a pause, as if the time of the pause had not been."""
        start = 0.0
        for number, segment in enumerate(self.segments):
            if segment == _REST:
                rest = replace(_REST, duration_s=max(at - start, 0.0))
                return Curve((*self.segments[:number], rest, *self.segments[number + 1 :]))
            start += segment.duration_s
        return self

    def reaching(self, mass: float) -> Curve:
        """Going on at its last rate until so many calls have begun, where it ended before."""
        missing = mass - self.mass
        if missing <= 0 or not self.segments or self.segments[-1].last <= 0:
            return self
        rate = self.segments[-1].last
        return Curve((*self.segments, Segment(rate, rate, missing / rate)))

    def ended(self, at: float) -> Curve:
        """Without anything from a time on."""
        return self._cut(at)[0]

    def _cut(self, at: float) -> tuple[Curve, Curve]:
        before: list[Segment] = []
        for number, segment in enumerate(self.segments):
            if at < segment.duration_s:
                head, tail = segment.split(max(at, 0.0))
                return Curve((*before, head)), Curve((tail, *self.segments[number + 1 :]))
            before.append(segment)
            at -= segment.duration_s
        return self, Curve(())


_REST = Segment(0.0, 0.0, ENDLESS)


def masses(arrivals: str, seed: int) -> Iterator[float]:
    """The mass at which each call begins, endlessly, the same ones for the same seed."""
    if arrivals == "uniform":
        number = 0
        while True:
            yield float(number)
            number += 1
    randomness = random.Random(f"{seed}/arrivals")
    mass = 0.0
    while True:
        mass += randomness.expovariate(1.0)
        yield mass


class Arrivals:
    """The planned starts of one worker's stripe: `peek` the next, `take` it, change the curve in between."""

    def __init__(
        self, curve: Curve, arrivals: str, seed: int, *, calls: int | None, stripe: int = 0, stripes: int = 1
    ) -> None:
        self.curve = curve
        self._calls = calls
        self._masses = masses(arrivals, seed)
        self._stripe, self._stripes = stripe, stripes
        self._number = -1
        self._mass = 0.0
        self._planned: float | None = None
        self._step(stripe + 1)

    def peek(self) -> tuple[int, float] | None:
        """(number in the whole run from 0, planned time in seconds) of the next call; None when there is none, a time
        of infinity while the plan is at rest."""
        if self._planned is None or (self._calls is not None and self._number >= self._calls):
            return None
        return self._number, self._planned

    def take(self) -> None:
        """Go to the next one of the stripe."""
        self._step(self._stripes)

    def change(self, curve: Curve) -> None:
        """Another curve, the same until now."""
        self.curve = curve
        self._planned = self._time()

    def _step(self, numbers: int) -> None:
        for _ in range(numbers):
            self._mass = next(self._masses)
            self._number += 1
        self._planned = self._time()

    def _time(self) -> float | None:
        at = self.curve.time_of(self._mass)
        if at is None or at == ENDLESS:
            return at
        # A uniform call at the very end belongs to the time after it: 10/s for 1 s are 10 calls, not 11.
        return None if at >= self.curve.duration_s - 1e-9 else at
