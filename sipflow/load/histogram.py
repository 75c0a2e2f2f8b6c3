"""Histograms that merge by addition: exact counts, bounded error of the values.

Two layouts. *Logarithmic*: the buckets of `csrc/core/sfm_histogram.h`, whole numbers of ns; below 128 ns each value has
its own bucket, above every octave is cut into 64, so that a percentile is never below the true value and at most 1/64
above it. *Linear*: steps of a thousandth, for MOS and shares in per cent, where 1/64 would be too coarse; a value lies
at most half a step off. Only buckets that are not empty are kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

LINEAR_UNTIL = 128
"""Values below have a bucket each."""
STEPS_PER_OCTAVE = 64
_STEP_BITS = 6
RELATIVE_ERROR = 1 / STEPS_PER_OCTAVE
"""Of the logarithmic layout: a percentile is at most so much above the true value, and never below it."""
LINEAR_STEP = 0.001
"""Of the linear layout, in the unit of the value."""


def bucket_of(value: int) -> int:
    """The logarithmic bucket of a whole number; negative ones count as 0."""
    if value < LINEAR_UNTIL:
        return max(value, 0)
    shift = value.bit_length() - _STEP_BITS - 1
    return (shift << _STEP_BITS) + (value >> shift)


def highest_of(bucket: int) -> int:
    """The largest value of a logarithmic bucket."""
    if bucket < LINEAR_UNTIL:
        return bucket
    shift = (bucket >> _STEP_BITS) - 1
    mantissa = bucket - (shift << _STEP_BITS)
    return ((mantissa + 1) << shift) - 1


@dataclass(slots=True)
class Histogram:
    """Counts of values; `merge` gives what one histogram of all the values would be."""

    linear: bool = False
    """Which layout: values of a linear one are plain numbers, of a logarithmic one milliseconds."""
    count: int = 0
    total: float = 0.0
    """Sum of the values, in ns or steps, for the mean."""
    least: int | None = None
    """Exact, in ns or steps; None when empty."""
    most: int | None = None
    buckets: dict[int, int] = field(default_factory=dict)

    def add(self, value: float) -> None:
        """One value: milliseconds, or in the unit of a linear histogram."""
        whole = round(value * (1000 if self.linear else 1e6))
        bucket = whole if self.linear else bucket_of(whole)
        self.buckets[bucket] = self.buckets.get(bucket, 0) + 1
        self.count += 1
        self.total += whole
        if self.least is None or self.most is None:
            self.least = self.most = whole
        elif whole < self.least:
            self.least = whole
        elif whole > self.most:
            self.most = whole

    def merge(self, other: Histogram) -> None:
        """Add all of `other`, which has the same layout."""
        assert self.linear == other.linear, "one measurement has one layout"
        for bucket, count in other.buckets.items():
            self.buckets[bucket] = self.buckets.get(bucket, 0) + count
        self.count += other.count
        self.total += other.total
        for value in (other.least, other.most):
            if value is not None:
                self.least = value if self.least is None else min(self.least, value)
                self.most = value if self.most is None else max(self.most, value)

    def percentile(self, share: float) -> float | None:
        """The smallest value such that at least this share (0-1) of all are not above it; None when empty."""
        if self.most is None:
            return None
        wanted, seen = max(1, -(-round(share * 1_000_000) * self.count // 1_000_000)), 0
        for bucket in sorted(self.buckets):
            seen += self.buckets[bucket]
            if seen >= wanted:
                return self._value(bucket if self.linear else min(highest_of(bucket), self.most))
        return self._value(self.most)

    def statistic(self, name: str) -> float | None:
        """`p1` … `p99`, `p999`, `min`, `max`, `mean`; None when empty."""
        if self.least is None or self.most is None:
            return None
        match name:
            case "min":
                return self._value(self.least)
            case "max":
                return self._value(self.most)
            case "mean":
                return self._value(self.total / self.count)
            case "p999":
                return self.percentile(0.999)
            case _:
                return self.percentile(int(name[1:]) / 100)

    def _value(self, whole: float) -> float:
        return whole / (1000 if self.linear else 1e6)

    def cumulative(self) -> Iterator[tuple[float, int]]:
        """(largest value, how many are not above it) of every bucket, for exports."""
        seen = 0
        for bucket in sorted(self.buckets):
            seen += self.buckets[bucket]
            yield self._value(bucket if self.linear else highest_of(bucket)), seen


def summary(histogram: Histogram, names: tuple[str, ...] = ("min", "p50", "p90", "p95", "p99", "p999", "max", "mean"),
            ) -> Mapping[str, float | int | None]:  # fmt: skip
    """Count and statistics by name, for reports."""
    values: dict[str, float | int | None] = {"count": histogram.count}
    return values | {name: _rounded(histogram.statistic(name)) for name in names}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def of_counts(counts: Mapping[int, int]) -> Histogram:
    """A logarithmic histogram of bucket counts, as the media engine keeps them; its extremes are those of buckets."""
    histogram = Histogram(buckets=dict(counts), count=sum(counts.values()))
    if counts:
        histogram.least, histogram.most = highest_of(min(counts)), highest_of(max(counts))
        histogram.total = float(sum(highest_of(bucket) * count for bucket, count in counts.items()))
    return histogram
