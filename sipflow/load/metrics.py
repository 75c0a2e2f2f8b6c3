"""What a load run counted, as a value that is added over workers, seconds and machines."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from sipflow.ir.expr import Unit
from sipflow.ir.load import DISTRIBUTIONS
from sipflow.load.histogram import Histogram

MOST_CAUSES = 200
"""Different causes of failure that are kept apart; all others are one."""
OTHER_CAUSES = "cause/(others)"


def is_linear(name: str) -> bool:
    """Whether a measurement is kept in steps of a thousandth: MOS and shares are, durations are not."""
    return DISTRIBUTIONS.get(name, Unit.MILLISECOND) is not Unit.MILLISECOND


@dataclass(slots=True)
class Metrics:
    """Counts and histograms by name. `a.add(b)` is exact whatever the order and the grouping.

    Counts: `planned started not_started ended failed`, `not_started/WHY`, `cause/TEXT`, `code/CODE`, `sip/…` and
    `media/…`.
    Histograms: the names of `sipflow.ir.load.DISTRIBUTIONS`, and `step/NODE:success|failure` for every edge.
    """

    counts: dict[str, int] = field(default_factory=dict)
    histograms: dict[str, Histogram] = field(default_factory=dict)

    def count(self, name: str, number: int = 1) -> None:
        """Add to a count."""
        self.counts[name] = self.counts.get(name, 0) + number

    def cause(self, text: str) -> None:
        """Count a failure by its cause."""
        name = f"cause/{text}"
        known = name in self.counts or sum(key.startswith("cause/") for key in self.counts) < MOST_CAUSES
        self.count(name if known else OTHER_CAUSES)

    def record(self, name: str, value: float) -> None:
        """Add a value: milliseconds, per cent, or a plain number, as its name says."""
        histogram = self.histograms.get(name)
        if histogram is None:
            histogram = self.histograms[name] = Histogram(linear=is_linear(name))
        histogram.add(value)

    def add(self, other: Metrics) -> None:
        """Add all of `other`."""
        for name, number in other.counts.items():
            self.count(name, number)
        for name, histogram in other.histograms.items():
            mine = self.histograms.get(name)
            if mine is None:
                mine = self.histograms[name] = Histogram(linear=histogram.linear)
            mine.merge(histogram)

    def get(self, name: str) -> int:
        """A count, 0 when there is none."""
        return self.counts.get(name, 0)

    def named(self, prefix: str) -> dict[str, int]:
        """Counts whose names begin so, without that beginning, the largest first."""
        found = {name.removeprefix(prefix): number for name, number in self.counts.items() if name.startswith(prefix)}
        return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))

    @property
    def is_empty(self) -> bool:
        """Whether nothing was counted."""
        return not self.counts and not self.histograms


def total_of(parts: Iterable[Metrics]) -> Metrics:
    """The sum."""
    total = Metrics()
    for part in parts:
        total.add(part)
    return total


@dataclass(slots=True)
class Timeline:
    """Metrics of every second of a run, and of the whole."""

    total: Metrics = field(default_factory=Metrics)
    seconds: dict[int, Metrics] = field(default_factory=dict)

    def add(self, second: int, delta: Metrics) -> None:
        """What was counted in a second; several workers may add to the same one."""
        self.total.add(delta)
        self.seconds.setdefault(second, Metrics()).add(delta)
